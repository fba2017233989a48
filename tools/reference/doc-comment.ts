/** Doc comments: their text, and their tags. */

export interface DocComment {
  /** The text before the first tag, in Markdown. */
  readonly text: string;
  /** What `@default` says. */
  readonly fallback: string | undefined;
  /** What `@deprecated` says. */
  readonly deprecated: string | undefined;
  readonly parameters: readonly string[];
  readonly throws: readonly string[];
  readonly see: readonly string[];
  readonly examples: readonly string[];
}

const TAG = /(?:^|(?<=\s))@(default|deprecated|param|throws|see|example)\b/;

/** Reads the inside of a block comment: the part between its two delimiters. */
export function parseDocComment(comment: string): DocComment {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\*? ?/, "").trimEnd());
  const texts: Record<string, string[]> = {};
  let name = "text";
  let text = "";
  const flush = (): void => void (texts[name] ??= []).push(text.replace(/^\n+|\s+$/g, ""));
  for (const line of lines) {
    // An example is code up to the next tag at the beginning of a line.
    const rest = name === "example" && !line.startsWith("@") ? "" : line;
    const parts = rest === "" ? [line] : line.split(TAG);
    text += `${parts[0] ?? ""}\n`;
    for (let at = 1; at < parts.length; at += 2) {
      flush();
      name = parts[at] ?? "text";
      text = `${(parts[at + 1] ?? "").trim()}\n`;
    }
  }
  flush();
  const all = (tag: string): readonly string[] => texts[tag] ?? [];
  return {
    text: all("text").join("\n").trim(),
    fallback: all("default")[0],
    deprecated: all("deprecated")[0],
    parameters: all("param"),
    throws: all("throws"),
    see: all("see"),
    examples: all("example"),
  };
}

export const NO_COMMENT = parseDocComment("");
