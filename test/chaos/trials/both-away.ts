import { between, isMarked, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

const READS = 120;
/** The default of `unreachableFor`. */
const UNREACHABLE_MS = 60_000;

/** With neither the log nor the origin, warm readers get what their isolate has, and its mark. */
export const trial: Trial = {
  about: "Redis and SQL reset every connection for 80 s under warm reads",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const { visits } = await drive({
      forMs: seconds(80),
      happenings: [
        { atMs: 0, act: () => services.fault("redis", { reset: true }) },
        { atMs: 0, act: () => services.fault("sql", { reset: true }) },
      ],
      streams: [
        {
          name: "warm",
          perSecond: rate(READS),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
      ],
    });
    // Until the coherence window has passed, an answer needs no mark.
    const outage = between(visits, 2_000);
    return [
      { name: "marked answers", value: share(outage, isMarked), unit: "%", goal: { least: 95 } },
      {
        name: "marked answers after 60 s",
        value: share(between(visits, UNREACHABLE_MS + 2_000), isMarked),
        unit: "%",
        goal: { least: 95 },
      },
      { name: "p99 of reads", value: percentile(times(outage), 0.99), unit: "ms" },
    ];
  },
};
