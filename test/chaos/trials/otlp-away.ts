import { isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

/** A collector that hangs costs telemetry, and no reader anything. */
export const trial: Trial = {
  about: "the OTLP collector hangs under warm reads",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    await services.fault("otlp", { hang: "before" });
    const { visits } = await drive({
      forMs: seconds(12),
      streams: [
        {
          name: "warm",
          perSecond: rate(120),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
      ],
    });
    return [
      { name: "good reads", value: share(visits, isGood), unit: "%", goal: { least: 99.9 } },
      {
        name: "p99 of reads",
        value: percentile(times(visits), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
    ];
  },
};
