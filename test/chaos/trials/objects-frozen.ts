import { signalAll } from "../../e2e/support/processes.ts";
import { between, isGood, percentile, share, times } from "../figures.ts";
import type { Trial } from "../trial.ts";

const FREEZE_MS = 2_000;
/** The time limit of a lease, after which an isolate loads itself. */
const LEASE_MS = 1_000;

/** Durable Objects that hang cost the first misses the wait for a lease, and later ones nothing. */
export const trial: Trial = {
  about:
    "the instance that runs the Durable Objects is frozen; the other answers warm and cold reads",
  async run({ shop, product, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const frozen = product.instances[0]!.runtime();
    const thawMs = FREEZE_MS + Math.max(6_000, seconds(12));
    try {
      const { visits } = await drive({
        forMs: thawMs + 4_000,
        happenings: [
          { atMs: FREEZE_MS, act: async () => signalAll(frozen, "SIGSTOP") },
          { atMs: thawMs, act: async () => signalAll(frozen, "SIGCONT") },
        ],
        streams: [
          {
            name: "warm",
            perSecond: rate(80),
            errand: (n) => shop.product(1, hot[n % hot.length] ?? 0),
          },
          {
            name: "cold",
            perSecond: rate(10),
            errand: () => shop.product(1, shop.take(1)[0] ?? 0),
          },
        ],
      });
      const outage = between(visits, FREEZE_MS, thawMs);
      const later = between(visits, FREEZE_MS + 3_000, thawMs);
      const cold = later.filter(({ stream }) => stream === "cold");
      return [
        { name: "good reads", value: share(outage, isGood), unit: "%", goal: { least: 99.5 } },
        {
          name: "longest read",
          value: Math.max(...times(outage)),
          unit: "ms",
          goal: { most: 5_500 },
        },
        {
          name: "cold reads over 0.9 s from 3 s on",
          value: share(cold, ({ ms }) => ms > LEASE_MS * 0.9),
          unit: "%",
          goal: { most: 1 },
        },
        { name: "p99 of reads from 3 s on", value: percentile(times(later), 0.99), unit: "ms" },
      ];
    } finally {
      signalAll(frozen, "SIGCONT");
    }
  },
};
