/** `npm run estimate -- --items 100000 --bytes 800`: prints what a catalogue takes. */
import { parseArgs } from "node:util";
import { estimate } from "./sizing.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "10000" },
    bytes: { type: "string", default: "1000" },
    tags: { type: "string", default: "1" },
    misses: { type: "string", default: "100" },
  },
});

const LIMITS = { items: 100_000_000, bytes: 1_000_000, tags: 100, misses: 1_000_000 };
type Option = keyof typeof LIMITS;

function numberOf(name: Option): number {
  const value = Number(values[name]);
  const min = name === "items" || name === "bytes" ? 1 : 0;
  if (Number.isInteger(value) && value >= min && value <= LIMITS[name]) return value;
  console.error(`--${name} must be an integer from ${min} to ${LIMITS[name]}`);
  process.exit(1);
}

const [items, bytes, tags] = [numberOf("items"), numberOf("bytes"), numberOf("tags")];
const found = estimate({ items, bytes, tags, missesPerSecond: numberOf("misses") });
const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;

console.log(
  [
    `entries                         ${items} of ${bytes} bytes and ${tags} tags`,
    `Redis, one entry                ${found.redisBytesPerEntry} bytes, not compressed`,
    `Redis, all entries              ${megabytes(found.redisBytes)}`,
    `Redis, existence filter         ${megabytes(found.filterBytes)}`,
    `Redis, limit to choose          ${megabytes(found.redisLimitBytes)}, so that entries, log and filter take 70 %`,
    `memory, one entry               ${found.memoryBytesPerEntry} bytes`,
    `memory, entries of one isolate  ${found.entriesInMemory} with the default options`,
    `flights.shards                  ${found.flightShards}`,
  ].join("\n"),
);
