/**
 * Creates a matcher for Redis's glob patterns: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a special
 * character.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  let source = "";
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index]!;
    if (character === "*") source += "[^]*";
    else if (character === "?") source += "[^]";
    else if (character === "\\") source += literal(pattern[(index += 1)] ?? "\\");
    else if (character === "[") {
      const end = pattern.indexOf("]", index + 1);
      if (end < 0) source += literal("[");
      else {
        source += characterClass(pattern.slice(index + 1, end));
        index = end;
      }
    } else source += literal(character);
  }
  const expression = new RegExp(`^${source}$`);
  return (text) => expression.test(text);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`);
}

function characterClass(inside: string): string {
  const negated = inside.startsWith("^");
  const members = (negated ? inside.slice(1) : inside).replace(/[\\\]^]/g, String.raw`\$&`);
  return members === "" ? "(?!)" : `[${negated ? "^" : ""}${members}]`;
}
