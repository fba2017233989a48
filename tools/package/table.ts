/**
 * `npm run entries`: prints the table of docs/package.md: the size of each entry and the processor time
 * that its modules take when workerd evaluates them. It needs /proc. ROUNDS sets how often each entry starts.
 */
import { resolve } from "node:path";
import { measure } from "../check/entry-size.ts";
import { bundleForWorkerd } from "./bundle.ts";
import { entriesOf } from "./entries.ts";
import { EMPTY_WORKER, startInWorkerd, workerOf } from "./workerd-start.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Each round starts every entry once, after an empty Worker. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 15);
const PLATFORM = /^(?:cloudflare|node):/u;

/**
 * Returns for each bundle the milliseconds of processor time that a Worker with it takes to start, less those of an
 * empty Worker that starts just before: the median of all rounds.
 */
async function startTimes(bundles: readonly string[]): Promise<readonly number[]> {
  const times = bundles.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, bundle] of bundles.entries()) {
      const empty = await startInWorkerd({ "worker.js": EMPTY_WORKER });
      times[at]?.push((await startInWorkerd(workerOf(bundle))) - empty);
    }
  return times.map((each) => each.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN);
}

const bytes = (count: number): string => count.toLocaleString("en-US");

const entries = entriesOf(ROOT);
const bundles = await Promise.all(
  entries.map(({ source }) => bundleForWorkerd(source, { root: ROOT, minify: true })),
);
const starts = await startTimes(bundles);
console.log("| entry | own code | with packages | start, ms | packages |");
console.log("|---|--:|--:|--:|---|");
for (const [at, { name, source }] of entries.entries()) {
  const own = await measure(ROOT, [source], "external");
  const all = await measure(ROOT, [source], "bundle");
  const packages = own.imports.filter((path) => !PLATFORM.test(path)).map((path) => `\`${path}\``);
  console.log(
    `| \`${name}\` | ${bytes(own.gzip)} | ${bytes(all.gzip)} | ${starts[at]?.toFixed(1)} | ${packages.join(", ") || "none"} |`,
  );
}
