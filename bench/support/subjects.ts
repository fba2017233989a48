/**
 * Compares Workers that answer the same requests. Each has its own workerd, and rounds alternate,
 * so that load on the machine slows all of them equally. Two processes of the same Worker differ in
 * memory and compilation by more than the compared Workers do, so everything is started several
 * times, and a ratio is the median over the starts.
 */
import { bundle } from "../../dev/bundle.ts";
import { ask, closedLoop, type Answer } from "../tiers/load.ts";
import { startDataCentre } from "../tiers/runtime.ts";
import { processorTime, runtimes } from "./processor-time.ts";
import type { Row } from "./report.ts";
import { median } from "./time.ts";

export interface Variant {
  readonly name: string;
  /** The path of all requests, or of the request with this number. */
  readonly path: string | ((request: number) => string);
  readonly bindings: Readonly<Record<string, string>>;
  /** Requests per round, if not the common number. A slow variant needs fewer. */
  readonly requests?: number;
  /** The Worker, if not the plan's. */
  readonly script?: string;
  /** The checkout whose wrangler.toml names the Durable Objects of the Worker. Default: this one. */
  readonly checkout?: string;
  /** Bindings of Durable Objects whose classes the Worker does not have. */
  readonly without?: readonly string[];
  /** Isolates in the same workerd, which get the requests in turn. Default: 1. */
  readonly isolates?: number;
  /** Brings the isolates into the state that is measured, before the warm-up. */
  readonly prepare?: (urls: readonly string[]) => Promise<void>;
  /** Whether an answer after the warm-up is one that the variant measures. Default: each is. */
  readonly expects?: (answer: Answer) => boolean;
  /** Runs beside the requests of a round, which ends it. The namespace is that of the isolates. */
  readonly beside?: (signal: AbortSignal, namespace: string) => Promise<void>;
}

export interface Plan {
  readonly script: string;
  /** The variants. The others are compared with the first. */
  readonly variants: readonly Variant[];
  readonly starts: number;
  readonly rounds: number;
  readonly requests: number;
  /** Number of requests in flight at a time. */
  readonly width: number;
  /** Rounds of each variant before the first one that counts, until the code is compiled. */
  readonly warmUp: number;
}

/** Milliseconds, and microseconds of processor time, per request over all rounds of one start. */
export interface Spent {
  readonly ms: number;
  readonly cpuUs: number | undefined;
}

interface Subject {
  readonly variant: Variant;
  readonly urls: readonly string[];
  readonly namespace: string;
  readonly pid: number | undefined;
  asked: number;
  ms: number;
  counted: number;
  cpuUs: number;
  close(): Promise<void>;
}

/**
 * Returns one row per variant: its rate, and its ratios to the first variant with their range over
 * the starts.
 */
export async function compare(plan: Plan): Promise<readonly Row[]> {
  const starts = await measure(plan);
  return plan.variants.map(({ name }, v) => {
    const spent = starts.map((start) => start[v]!);
    const rates = starts.map((start) => start[0]!.ms / start[v]!.ms).toSorted((a, b) => a - b);
    const base = sumOf(starts.map((start) => start[0]!.cpuUs));
    const cpu = sumOf(spent.map(({ cpuUs }) => cpuUs));
    return {
      variant: name,
      "requests/s": Math.round(1_000 / median(spent.map(({ ms }) => ms))),
      "ratio to the first": median(rates).toFixed(2),
      range: `${rates[0]?.toFixed(2)} to ${rates.at(-1)?.toFixed(2)}`,
      "CPU µs per request": cpu === undefined ? "–" : Math.round(cpu / plan.starts),
      "ratio to the first, by CPU":
        cpu === undefined || base === undefined ? "–" : (base / cpu).toFixed(2),
    };
  });
}

/** Returns for each start what a request of each variant took. */
export async function measure(plan: Plan): Promise<readonly (readonly Spent[])[]> {
  const starts: (readonly Spent[])[] = [];
  for (let start = 0; start < plan.starts; start++) starts.push(await once(plan, start));
  return starts;
}

async function once(plan: Plan, start: number): Promise<readonly Spent[]> {
  const { script, variants, rounds, warmUp } = plan;
  const subjects: Subject[] = [];
  for (const variant of variants) {
    const before = new Set(runtimes());
    const namespace = `bench-${start}-${subjects.length}`;
    const bindings = { ...variant.bindings, STRATA_NAMESPACE: namespace };
    const centre = await startDataCentre(variant.script ?? script, {
      isolates: variant.isolates ?? 1,
      bindings,
      objects: true,
      ...(variant.checkout !== undefined && { checkout: variant.checkout }),
      ...(variant.without !== undefined && { without: variant.without }),
    });
    const pid = runtimes().find((candidate) => !before.has(candidate));
    const counts = { asked: 0, ms: 0, counted: 0, cpuUs: 0 };
    subjects.push({
      variant,
      urls: centre.urls,
      namespace,
      pid,
      ...counts,
      close: () => centre.close(),
    });
  }
  try {
    for (const subject of subjects) {
      await subject.variant.prepare?.(subject.urls);
      for (let i = 0; i < warmUp; i++) await round(subject, plan, { isCounted: false });
      Object.assign(subject, { ms: 0, counted: 0, cpuUs: 0 });
    }
    for (let i = 0; i < rounds; i++)
      for (let at = 0; at < subjects.length; at++)
        await round(subjects[(at + i) % subjects.length]!, plan, { isCounted: true });
    return subjects.map(({ ms, counted, cpuUs, pid }) => ({
      ms: ms / counted,
      cpuUs: processorTime(pid) === undefined ? undefined : cpuUs / counted,
    }));
  } finally {
    for (const { close } of subjects) await close();
  }
}

async function round(
  subject: Subject,
  plan: Plan,
  { isCounted }: { readonly isCounted: boolean },
): Promise<void> {
  const { variant, urls, pid } = subject;
  const { name, path, expects = () => true } = variant;
  const requests = variant.requests ?? plan.requests;
  const ending = new AbortController();
  const beside = variant.beside?.(ending.signal, subject.namespace);
  const before = processorTime(pid) ?? 0;
  const startedAt = performance.now();
  await closedLoop(requests, plan.width, async () => {
    const at = subject.asked++;
    const url = `${urls[at % urls.length]}${typeof path === "string" ? path : path(at)}`;
    const answer = await ask(url, at);
    if (answer.status !== 200) throw new Error(`${name}: status ${answer.status}`);
    if (isCounted && !expects(answer))
      throw new Error(`${name}: ${JSON.stringify(answer.headers)} is no such answer`);
  });
  subject.ms += performance.now() - startedAt;
  subject.cpuUs += (processorTime(pid) ?? 0) - before;
  subject.counted += requests;
  ending.abort();
  await beside;
}

function sumOf(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}

/**
 * Adds the same variants with the Worker of another checkout, which the variable BASE names: a
 * comparison with an earlier commit in one run. The variants of the checkout come last.
 */
export function withBase(variants: readonly Variant[], config: string): readonly Variant[] {
  const base = process.env["BASE"];
  if (base === undefined) return variants;
  const script = bundle(config, base);
  const other = { script, checkout: base };
  return [
    ...variants,
    ...variants.map((each) => ({ ...each, name: `${each.name}, BASE`, ...other })),
  ];
}
