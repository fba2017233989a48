import { isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";
import { createVersions } from "../versions.ts";

const READS = 150;
const WRITES = READS / 100;

/** A write that SQL answers with 500 may have been made. The readers of its product still get an answer. */
export const trial: Trial = {
  about: "SQL answers 500 for 30 s; one request in 100 writes a product that is read",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const versions = createVersions(shop, await warm(100));
    const { visits } = await drive({
      forMs: seconds(30),
      happenings: [{ atMs: 0, act: () => services.fault("sql", { status: 500 }) }],
      streams: [
        {
          name: "read",
          perSecond: rate(READS),
          errand: (n) => versions.read(n % 2, versions.ids[n % 100] ?? 0),
        },
        { name: "write", perSecond: rate(WRITES), errand: (n) => versions.write(n % 2, n) },
      ],
    });
    const reads = visits.filter(({ stream }) => stream === "read");
    return [
      { name: "good reads", value: share(reads, isGood), unit: "%", goal: { least: 99 } },
      { name: "p99 of reads", value: percentile(times(reads), 0.99), unit: "ms" },
      {
        name: "writes that were answered 2xx",
        value: versions.acknowledged.length,
        unit: "writes",
        goal: { most: 0 },
      },
    ];
  },
};
