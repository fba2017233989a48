import { between, isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

const READS = 150;
const SLOW_MS = 2_000;
const WITHIN_MS = 3_000;

/** A slow Redis is left alone like one that is away: memory answers. */
export const trial: Trial = {
  about: "Redis takes 800 ms for each request, under warm reads",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const { visits } = await drive({
      forMs: SLOW_MS + WITHIN_MS + seconds(15),
      happenings: [{ atMs: SLOW_MS, act: () => services.fault("redis", { latencyMs: 800 }) }],
      streams: [
        {
          name: "warm",
          perSecond: rate(READS),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
      ],
    });
    const first = between(visits, SLOW_MS, SLOW_MS + WITHIN_MS);
    const later = between(visits, SLOW_MS + WITHIN_MS);
    return [
      { name: "p50 of reads from 3 s on", value: percentile(times(later), 0.5), unit: "ms" },
      {
        name: "p99 of reads from 3 s on",
        value: percentile(times(later), 0.99),
        unit: "ms",
        goal: { most: 100 },
      },
      { name: "p99 of reads in the first 3 s", value: percentile(times(first), 0.99), unit: "ms" },
      { name: "good reads", value: share(later, isGood), unit: "%", goal: { least: 99.9 } },
    ];
  },
};
