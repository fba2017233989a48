import { isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";
import { createVersions } from "../versions.ts";

/** The coherence window, and what a read and an acknowledgement may take on this machine. */
const BOUND_MS = 1_000 + 500;

/** A Redis that loses everything costs loads, and never shows an old value. */
export const trial: Trial = {
  about: "Redis is flushed every 2 s under warm reads and writes",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const versions = createVersions(shop, await warm(40));
    const forMs = seconds(16);
    const { visits } = await drive({
      forMs,
      happenings: Array.from({ length: Math.floor(forMs / 2_000) }, (_, n) => ({
        atMs: n * 2_000,
        act: () => services.redis("FLUSHALL"),
      })),
      streams: [
        {
          name: "read",
          perSecond: rate(120),
          errand: (n) => versions.read(n % 2, versions.ids[n % 40] ?? 0),
        },
        { name: "write", perSecond: 3, errand: (n) => versions.write(n % 2, n) },
      ],
    });
    const reads = visits.filter(({ stream }) => stream === "read");
    const { violations, longestMs } = versions.verdict(BOUND_MS);
    return [
      {
        name: "unmarked answers older than an acknowledged write and 1.5 s",
        value: violations.length,
        unit: "reads",
        goal: { most: 0 },
      },
      { name: "longest time of an unmarked old answer", value: longestMs, unit: "ms" },
      {
        name: "acknowledged writes",
        value: versions.acknowledged.length,
        unit: "writes",
        goal: { least: 1 },
      },
      { name: "good reads", value: share(reads, isGood), unit: "%", goal: { least: 99.5 } },
      { name: "p99 of reads", value: percentile(times(reads), 0.99), unit: "ms" },
    ];
  },
};
