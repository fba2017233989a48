/**
 * `npm run comments [-- --seed 7 --count 10]`: draws comments at random from each room of src, each
 * with the line of code that follows it, for a review of their language by a reader who does not
 * know the code. The same seed draws the same comments from the same sources.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { filesOf } from "../check/files.ts";
import { readSource, type Found } from "../check/source.ts";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, count: { type: "string", default: "10" } },
});
const seed = Number(values.seed);
const count = Number(values.count);
if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1) {
  console.error("comments: --seed must be a whole number, and --count one above 0");
  process.exit(1);
}

/** mulberry32: a small generator of numbers in [0, 1) from a 32-bit seed. */
let state = seed >>> 0;
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

interface Comment {
  readonly place: string;
  readonly text: string;
  /** The first line of code behind the comment. */
  readonly code: string;
}

const rooms = new Map<string, Comment[]>();
for (const path of filesOf(process.cwd(), ["src/**/*.ts"])) {
  const room = path.split("/").length > 2 ? (path.split("/")[1] ?? "") : "src itself";
  const comments = rooms.get(room) ?? [];
  rooms.set(room, comments);
  const lines = readFileSync(path, "utf8").split("\n");
  for (const { line, text } of paragraphs(readSource(process.cwd(), path).comments)) {
    const words = text
      .replaceAll(/^[\s*]+/gmu, "")
      .replaceAll(/\s+/gu, " ")
      .trim();
    if (words !== "" && !words.startsWith("oxlint-disable"))
      comments.push({ place: `${path}:${line}`, text: words, code: codeAfter(lines, line, text) });
  }
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

console.log(`seed ${seed}, ${count} comments a room`);
for (const [room, comments] of rooms) {
  console.log(`\n## ${room} (${comments.length} comments)\n`);
  for (let drawn = 0; drawn < count && comments.length > 0; drawn++) {
    const [comment] = comments.splice(Math.floor(random() * comments.length), 1);
    console.log(`- ${comment?.place}: ${comment?.text}\n      ${comment?.code}`);
  }
}
