/**
 * Compares Workers that answer the same requests. Each has a workerd of its own, and rounds take
 * turns, so that what slows the machine slows all alike. One process is luckier than another with
 * its memory and its compiler, by more than what is compared: so everything is started several
 * times, and a ratio is the median of the starts.
 */
import { ask, closedLoop } from "../tiers/load.ts";
import { startDataCentre } from "../tiers/runtime.ts";
import { processorTime, runtimes } from "./processor-time.ts";
import type { Row } from "./report.ts";
import { median } from "./time.ts";

export interface Variant {
  readonly name: string;
  readonly path: string;
  readonly bindings: Readonly<Record<string, string>>;
  /** Requests a round, where they are not those of all: a slow variant needs fewer. */
  readonly requests?: number;
}

export interface Plan {
  readonly script: string;
  /** The first is what the others are compared with. */
  readonly variants: readonly Variant[];
  readonly starts: number;
  readonly rounds: number;
  readonly requests: number;
  /** Requests at a time. */
  readonly width: number;
  /** Rounds of each before any counts: until everything is compiled. */
  readonly warmUp: number;
}

/** Of all rounds of one start: milliseconds and microseconds of processor time, a request. */
interface Spent {
  readonly ms: number;
  readonly cpuUs: number | undefined;
}

interface Subject {
  readonly variant: Variant;
  readonly url: string;
  readonly pid: number | undefined;
  asked: number;
  ms: number;
  counted: number;
  cpuUs: number;
  close(): Promise<void>;
}

/** One row a variant: its rate, and its ratios to the first variant with the range of the starts. */
export async function compare(plan: Plan): Promise<readonly Row[]> {
  const starts: (readonly Spent[])[] = [];
  for (let start = 0; start < plan.starts; start++) starts.push(await once(plan, start));
  return plan.variants.map(({ name }, v) => {
    const spent = starts.map((start) => start[v]!);
    const rates = starts.map((start) => start[0]!.ms / start[v]!.ms).toSorted((a, b) => a - b);
    const base = sumOf(starts.map((start) => start[0]!.cpuUs));
    const cpu = sumOf(spent.map(({ cpuUs }) => cpuUs));
    return {
      variant: name,
      "requests/s": Math.round(1_000 / median(spent.map(({ ms }) => ms))),
      "of the first": median(rates).toFixed(2),
      "least to most": `${rates[0]?.toFixed(2)} to ${rates.at(-1)?.toFixed(2)}`,
      "CPU µs/request": cpu === undefined ? "–" : Math.round(cpu / plan.starts),
      "of the first, by CPU":
        cpu === undefined || base === undefined ? "–" : (base / cpu).toFixed(2),
    };
  });
}

async function once(plan: Plan, start: number): Promise<readonly Spent[]> {
  const { script, variants, rounds, warmUp } = plan;
  const subjects: Subject[] = [];
  for (const variant of variants) {
    const before = new Set(runtimes());
    const bindings = { ...variant.bindings, STRATA_NAMESPACE: `bench-${start}-${subjects.length}` };
    const centre = await startDataCentre(script, { isolates: 1, bindings, objects: true });
    const pid = runtimes().find((candidate) => !before.has(candidate));
    const url = `${centre.urls[0] ?? ""}${variant.path}`;
    const counts = { asked: 0, ms: 0, counted: 0, cpuUs: 0 };
    subjects.push({ variant, url, pid, ...counts, close: () => centre.close() });
  }
  try {
    for (const subject of subjects) {
      for (let i = 0; i < warmUp; i++) await round(subject, plan);
      Object.assign(subject, { ms: 0, counted: 0, cpuUs: 0 });
    }
    for (let i = 0; i < rounds; i++)
      for (let at = 0; at < subjects.length; at++)
        await round(subjects[(at + i) % subjects.length]!, plan);
    return subjects.map(({ ms, counted, cpuUs, pid }) => ({
      ms: ms / counted,
      cpuUs: processorTime(pid) === undefined ? undefined : cpuUs / counted,
    }));
  } finally {
    for (const { close } of subjects) await close();
  }
}

async function round(subject: Subject, plan: Plan): Promise<void> {
  const { variant, url, pid } = subject;
  const requests = variant.requests ?? plan.requests;
  const before = processorTime(pid) ?? 0;
  const startedAt = performance.now();
  await closedLoop(requests, plan.width, async () => {
    const { status } = await ask(url, subject.asked++);
    if (status !== 200) throw new Error(`${variant.name}: status ${status}`);
  });
  subject.ms += performance.now() - startedAt;
  subject.cpuUs += (processorTime(pid) ?? 0) - before;
  subject.counted += requests;
}

function sumOf(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}
