/**
 * Measures the latency of a hit at 500 requests a second, from the intended start of each request (an open loop), beside
 * bare routes with the same fields. STARTS, SEGMENTS and RATE set how often each subject starts and is measured, 5 s at
 * a time in turns, and how many requests come in a second.
 */
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { forkServices } from "../dev/services-process.ts";
import { prepareHit } from "./support/hit-subjects.ts";
import { save, show } from "./support/report.ts";
import { pairsOf, startHit } from "./support/start-hit.ts";
import { median, quantile, rangeOf } from "./support/time.ts";
import { ask, closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const SEGMENTS = Number(process.env["SEGMENTS"] ?? 4);
const RATE = Number(process.env["RATE"] ?? 500);
const SEGMENT_S = 5;
/** Requests before the first segment, until the code is compiled. */
const WARM_UP = 40_000;
/** A timer of Node is late by up to this time; the rest is waited for in turns of the event loop. */
const TIMER_MS = 2;

const services = await forkServices();
const prepared = await prepareHit(services, undefined);
const chosen = pairsOf(prepared);

/** Sends the requests of a segment at their instants. Returns the milliseconds from each instant to the end of the answer. */
async function segment(url: string, first: number): Promise<readonly number[]> {
  const answers: Promise<number>[] = [];
  const begin = performance.now();
  for (let at = 0; at < RATE * SEGMENT_S; at++) {
    const due = begin + (at / RATE) * 1_000;
    for (let left = due - performance.now(); left > 0; left = due - performance.now())
      await (left > TIMER_MS ? pause(left - TIMER_MS) : turn());
    answers.push(
      ask(url, first + at).then(({ status }) => {
        if (status !== 200) throw new Error(`${url}: status ${status}`);
        return performance.now() - due;
      }),
    );
  }
  return Promise.all(answers);
}

let asked = 0;

const SHARES = { p50: 0.5, p99: 0.99, "p99.9": 0.999 };
type Quantiles = Record<keyof typeof SHARES, number>;
const starts: Quantiles[][] = [];
/** The times of all starts. One pause of 130 ms decides the quantiles of a start, and less so those of all. */
const pooled = chosen.map(() => [] as number[]);
for (let start = 0; start < STARTS; start++) {
  const subjects = [];
  const options = { namespace: `tail-${start}`, warmUp: WARM_UP, inspected: false };
  for (const subject of chosen) {
    const { url, centre } = await startHit(subject, prepared, options);
    subjects.push({ url, centre, times: [] as number[] });
  }
  for (let at = 0; at < SEGMENTS; at++)
    for (const { url, times } of subjects) {
      times.push(...(await segment(url, asked)));
      asked += RATE * SEGMENT_S;
    }
  for (const [at, { times }] of subjects.entries())
    for (const time of times) pooled[at]!.push(time);
  starts.push(
    subjects.map(
      ({ times }) =>
        Object.fromEntries(
          Object.entries(SHARES).map(([name, share]) => [name, quantile(times, share)]),
        ) as Quantiles,
    ),
  );
  for (const { centre } of subjects) await centre.close();
}

const rows = chosen.map(({ name, base }, at) => {
  const of = (quantileName: keyof Quantiles): readonly number[] =>
    starts.map((start) => start[at]![quantileName]);
  const baseAt = chosen.findIndex((each) => each.name === base);
  const ratios = (quantileName: keyof Quantiles): readonly number[] =>
    baseAt < 0
      ? []
      : starts.map((start) => start[at]![quantileName] / start[baseAt]![quantileName]);
  const ofAll = (share: number): number => quantile(pooled[at]!, share);
  const ratioOfAll = (share: number): string =>
    baseAt < 0 ? "" : (ofAll(share) / quantile(pooled[baseAt]!, share)).toFixed(2);
  const shown = (numbers: readonly number[]): string =>
    numbers.length === 0 ? "" : `${median(numbers).toFixed(2)} (${rangeOf(numbers, 2)})`;
  return {
    subject: name,
    "p50, ms": median(of("p50")).toFixed(2),
    "p99, ms": shown(of("p99")),
    "p99.9, ms": shown(of("p99.9")),
    "p99 of all, ms": ofAll(SHARES.p99).toFixed(2),
    "p99.9 of all, ms": ofAll(SHARES["p99.9"]).toFixed(2),
    beside: base ?? "",
    "ratio of p99": shown(ratios("p99")),
    "ratio of p99 of all": ratioOfAll(SHARES.p99),
    "ratio of p99.9 of all": ratioOfAll(SHARES["p99.9"]),
  };
});
show(
  `A hit at ${RATE} requests a second: ${STARTS} starts, ${SEGMENTS} times ${SEGMENT_S} s each`,
  rows,
);
save("tail", rows);
closeConnections();
await services.close();
