/**
 * Measures what one read of a value in memory costs in workerd: processor time of `cache.read`, of other caches
 * and of a plain Map. Each has its own workerd, rounds take turns, and everything starts several times. STARTS and
 * ROUNDS set how often.
 */
import { bundle } from "../dev/bundle.ts";
import { processorTime, runtimes } from "./support/processor-time.ts";
import { save, show } from "./support/report.ts";
import { median } from "./support/time.ts";
import { ask, closeConnections } from "./tiers/load.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const STARTS = Number(process.env["STARTS"] ?? 7);
const ROUNDS = Number(process.env["ROUNDS"] ?? 8);
/** The rounds of each cache before the first one that counts, until the code is compiled. */
const WARM_UP = 3;

interface Contender {
  readonly name: string;
  readonly path: string;
  /** The reads of one round: some tenths of a second. */
  readonly reads: number;
}

/** The first is the base of the ratios. */
const CONTENDERS: readonly Contender[] = [
  { name: "`Map.get`", path: "map", reads: 10_000_000 },
  { name: "the loop alone", path: "loop", reads: 10_000_000 },
  { name: "`lru-cache`, `get`", path: "lru", reads: 5_000_000 },
  { name: "`Map.get` in an async function", path: "map-awaited", reads: 2_000_000 },
  { name: "`@unkey/cache`, `get`", path: "unkey-get", reads: 200_000 },
  { name: "`@unkey/cache`, `swr`", path: "unkey-swr", reads: 200_000 },
  { name: "Strata, `cache.read`", path: "strata-read", reads: 200_000 },
  { name: "Strata, `open` and `read`", path: "strata-open-read", reads: 200_000 },
];

interface Subject extends Contender {
  readonly url: string;
  readonly pid: number;
  ns: number;
  close(): Promise<void>;
}

async function start(script: string, contender: Contender): Promise<Subject> {
  const before = new Set(runtimes());
  const centre = await startDataCentre(script, { isolates: 1, bindings: {}, objects: false });
  const pid = runtimes().find((candidate) => !before.has(candidate));
  if (pid === undefined) throw new Error("this benchmark needs /proc");
  const url = `${centre.urls[0]}/${contender.path}`;
  await send(`${url}?fill=1`);
  return { ...contender, url, pid, ns: 0, close: () => centre.close() };
}

async function send(url: string): Promise<void> {
  const { status } = await ask(url, 0);
  if (status !== 200) throw new Error(`${url}: status ${status}`);
}

async function round(subject: Subject): Promise<void> {
  const before = processorTime(subject.pid) ?? 0;
  await send(`${subject.url}?reads=${subject.reads}`);
  subject.ns += (((processorTime(subject.pid) ?? 0) - before) * 1_000) / subject.reads;
}

/** Returns the nanoseconds of one read, for each contender. */
async function once(script: string): Promise<readonly number[]> {
  const subjects: Subject[] = [];
  try {
    for (const contender of CONTENDERS) subjects.push(await start(script, contender));
    for (const subject of subjects) for (let i = 0; i < WARM_UP; i++) await round(subject);
    for (const subject of subjects) subject.ns = 0;
    for (let i = 0; i < ROUNDS; i++)
      for (let at = 0; at < subjects.length; at++)
        await round(subjects[(at + i) % subjects.length]!);
    return subjects.map(({ ns }) => ns / ROUNDS);
  } finally {
    for (const { close } of subjects) await close();
  }
}

const script = bundle("bench/hit-data/wrangler.toml");
const starts: (readonly number[])[] = [];
for (let at = 0; at < STARTS; at++) starts.push(await once(script));

const base = median(starts.map((times) => times[0]!));
const rows = CONTENDERS.map(({ name }, at) => {
  const times = starts.map((each) => each[at]!).toSorted((a, b) => a - b);
  return {
    read: name,
    "CPU ns a read": Math.round(median(times)),
    range: `${Math.round(times[0]!)} to ${Math.round(times.at(-1)!)}`,
    "of Map.get": (median(times) / base).toFixed(1),
  };
});
show(`A read of a value in memory: ${STARTS} starts, ${ROUNDS} rounds each`, rows);
save("hit-data", { rows, starts, contenders: CONTENDERS });
closeConnections();
