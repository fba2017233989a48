/** The figures of one phase: where answers came from, how long they took, and what the database did. */
import type { Row } from "../support/report.ts";
import { quantile } from "../support/time.ts";
import type { Answer } from "../tiers/load.ts";

export type Source = "memory" | "edge" | "redis" | "database";

export interface Sample {
  readonly from: Source;
  readonly ms: number;
}

export interface Phase {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly seconds: number;
  readonly queries: number;
}

/** Returns the tier that answered, by Cache-Status. A batch is counted by the farthest tier that it needed. */
export function sourceOf({ status, headers }: Answer): Source {
  if (status !== 200) throw new Error(`status ${status}`);
  const said = String(headers["cache-status"] ?? "");
  if (!/\bhit\b/.test(said)) return "database";
  const detail = /detail=(\w+)/.exec(said)?.[1];
  return detail === "edge" || detail === "redis" ? detail : "memory";
}

export const shareOf = ({ samples }: Phase, ...sources: Source[]): number =>
  samples.filter(({ from }) => sources.includes(from)).length / samples.length;

export function meanOf({ samples }: Phase): number {
  return samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export function rowOf(phase: Phase): Row {
  const { name, samples, seconds, queries } = phase;
  const times = samples.map(({ ms }) => ms);
  return {
    setup: name,
    reads: samples.length,
    memory: percent(shareOf(phase, "memory")),
    "edge and redis": percent(shareOf(phase, "edge", "redis")),
    database: percent(shareOf(phase, "database")),
    mean: meanOf(phase).toFixed(2),
    p95: quantile(times, 0.95).toFixed(2),
    p99: quantile(times, 0.99).toFixed(2),
    "requests/s": Math.round(samples.length / seconds),
    "SQL queries/1,000 reads": ((1_000 * queries) / samples.length).toFixed(1),
    "SQL queries/s": (queries / seconds).toFixed(1),
  };
}
