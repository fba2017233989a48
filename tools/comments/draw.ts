/**
 * `npm run comments [-- --seed 7 --count 10]` draws comments at random from each room of src, each
 * with the line of code that follows it. `npm run comments -- --titles [--seed 7 --count 60]` draws
 * titles of tests from all of test. Both are for a review of their language by a reader who does
 * not know the code. The same seed draws the same places from the same sources.
 */
import { parseArgs } from "node:util";
import { commentsOf } from "./comments.ts";
import { titlesOf } from "./titles.ts";

const { values } = parseArgs({
  options: {
    titles: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    count: { type: "string" },
  },
});
const seed = Number(values.seed);
const count = Number(values.count ?? (values.titles ? 60 : 10));
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

/** Returns up to `count` of the values, in the order in which they were drawn. */
function draw<Value>(from: readonly Value[]): readonly Value[] {
  const left = [...from];
  const drawn: Value[] = [];
  while (drawn.length < count && left.length > 0)
    drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn;
}

if (values.titles) {
  const titles = titlesOf(process.cwd());
  console.log(`seed ${seed}, ${count} of ${titles.length} titles\n`);
  for (const { path, text } of draw(titles)) console.log(`- ${path}: ${text}`);
} else {
  console.log(`seed ${seed}, ${count} comments a room`);
  for (const [room, comments] of commentsOf(process.cwd())) {
    console.log(`\n## ${room} (${comments.length} comments)\n`);
    for (const { place, text, code } of draw(comments))
      console.log(`- ${place}: ${text}\n      ${code}`);
  }
}
