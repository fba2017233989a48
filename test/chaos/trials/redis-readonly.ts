import { isGood, isMarked, share } from "../figures.ts";
import type { Trial } from "../trial.ts";
import { createVersions } from "../versions.ts";

const READS = 120;
/** The coherence window, and what a read and an acknowledgement may take on this machine. */
const BOUND_MS = 1_000 + 500;

/** An invalidation that Redis refuses to store cannot be read from Redis. */
export const trial: Trial = {
  about: "Redis refuses writes (READONLY) and answers reads; one instance writes, both read",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const versions = createVersions(shop, await warm(40));
    const refuseWrites = "READONLY You can't write against a read only replica.";
    const { visits } = await drive({
      forMs: seconds(20),
      happenings: [{ atMs: 0, act: () => services.fault("redis", { refuseWrites }) }],
      streams: [
        {
          name: "read",
          perSecond: rate(READS),
          errand: (n) => versions.read(n % 2, versions.ids[n % 40] ?? 0),
        },
        { name: "write", perSecond: rate(2), errand: (n) => versions.write(0, n) },
      ],
    });
    const reads = visits.filter(({ stream }) => stream === "read");
    const { violations, longestMs } = versions.verdict(BOUND_MS);
    if (violations.length > 0) console.log(violations[0]);
    return [
      {
        name: "unmarked answers older than an acknowledged write and 1.5 s",
        value: violations.length,
        unit: "reads",
        goal: { most: 0 },
      },
      { name: "longest time of an unmarked old answer", value: longestMs, unit: "ms" },
      { name: "acknowledged writes", value: versions.acknowledged.length, unit: "writes" },
      { name: "marked reads", value: share(reads, isMarked), unit: "%" },
      { name: "good reads", value: share(reads, isGood), unit: "%", goal: { least: 99 } },
    ];
  },
};
