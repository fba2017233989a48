import { between, isGood, ownTimes, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

const WARM_READS = 120;
/** Not scaled: a breaker opens after a number of failures, and a read that hangs costs the machine little. */
const COLD_READS = 24;
/** The time limit of a load in the reference API, and an allowance for the driver. */
const ONE_LOAD_MS = 5_500;
const BEGIN_S = 2;
/** A breaker that counts time-outs cannot know before the first loads have ended. */
const OPEN_S = BEGIN_S + 6;

/** Loads that hang end after one time limit, and after some of them no reader waits at all. */
export const trial: Trial = {
  about: "SQL hangs for 18 s under warm and cold reads",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const { visits } = await drive({
      forMs: (BEGIN_S + 6) * 1_000 + seconds(12),
      happenings: [{ atMs: BEGIN_S * 1_000, act: () => services.fault("sql", { hang: "before" }) }],
      streams: [
        {
          name: "warm",
          perSecond: rate(WARM_READS),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
        {
          name: "cold",
          perSecond: COLD_READS,
          errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        },
      ],
    });
    const open = between(visits, OPEN_S * 1_000);
    const cold = open.filter(({ stream }) => stream === "cold");
    const inHang = between(visits, BEGIN_S * 1_000);
    return [
      {
        name: "longest read",
        value: Math.max(...times(inHang)),
        unit: "ms",
        goal: { most: ONE_LOAD_MS },
      },
      {
        name: "p99 of all reads from 6 s on",
        value: percentile(times(open), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
      {
        name: "p99 of the same, as the Worker counts it",
        value: percentile(ownTimes(open), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
      { name: "p50 of cold reads from 6 s on", value: percentile(times(cold), 0.5), unit: "ms" },
      { name: "p99 of cold reads from 6 s on", value: percentile(times(cold), 0.99), unit: "ms" },
      {
        name: "good warm reads",
        value: share(
          inHang.filter(({ stream }) => stream === "warm"),
          isGood,
        ),
        unit: "%",
        goal: { least: 99.9 },
      },
    ];
  },
};
