import { isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

/** The same clients without a fault. If this trial fails, the figures of the others are the machine's. */
export const trial: Trial = {
  about: "nothing fails; warm and cold reads",
  async run({ shop, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const { visits } = await drive({
      forMs: seconds(10),
      streams: [
        {
          name: "warm",
          perSecond: rate(120),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
        {
          name: "cold",
          perSecond: rate(15),
          errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        },
      ],
    });
    const of = (name: string) => times(visits.filter(({ stream }) => stream === name));
    return [
      { name: "good reads", value: share(visits, isGood), unit: "%", goal: { least: 99.9 } },
      { name: "p50 of warm reads", value: percentile(of("warm"), 0.5), unit: "ms" },
      {
        name: "p99 of warm reads",
        value: percentile(of("warm"), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
      { name: "p99 of cold reads", value: percentile(of("cold"), 0.99), unit: "ms" },
    ];
  },
};
