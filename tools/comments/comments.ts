import { readFileSync } from "node:fs";
import { filesOf } from "../check/files.ts";
import { readSource, type Found } from "../check/source.ts";

/** A comment and the first line of code behind it. */
export interface Comment {
  readonly place: string;
  readonly text: string;
  readonly code: string;
}

/** Returns the comments of src by room, in the order of files and lines. */
export function commentsOf(root: string): ReadonlyMap<string, Comment[]> {
  const rooms = new Map<string, Comment[]>();
  for (const path of filesOf(root, ["src/**/*.ts"])) {
    const room = path.split("/").length > 2 ? (path.split("/")[1] ?? "") : "src itself";
    const comments = rooms.get(room) ?? [];
    rooms.set(room, comments);
    const lines = readFileSync(`${root}/${path}`, "utf8").split("\n");
    for (const { line, text } of paragraphs(readSource(root, path).comments)) {
      const words = text
        .replaceAll(/^[\s*]+/gmu, "")
        .replaceAll(/\s+/gu, " ")
        .trim();
      if (words !== "" && !words.startsWith("oxlint-disable"))
        comments.push({
          place: `${path}:${line}`,
          text: words,
          code: codeAfter(lines, line, text),
        });
    }
  }
  return rooms;
}

/** The comments, with the lines of each run of line comments joined. */
function paragraphs(found: readonly Found[]): Found[] {
  const joined: Found[] = [];
  for (const { line, text } of found) {
    const last = joined.at(-1);
    const follows = last !== undefined && line === last.line + last.text.split("\n").length;
    if (follows && !text.startsWith("*") && !last.text.startsWith("*"))
      joined[joined.length - 1] = { line: last.line, text: `${last.text}\n${text}` };
    else joined.push({ line, text });
  }
  return joined;
}

function codeAfter(lines: readonly string[], line: number, text: string): string {
  const after = lines.slice(line - 1 + text.split("\n").length);
  return (after.find((each) => !/^\s*(?:\/\/|\/?\*|$)/u.test(each)) ?? "").trim();
}
