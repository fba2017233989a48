import { between, isGood, percentile, serverTiming, share } from "../figures.ts";
import type { Trial } from "../trial.ts";
import type { Visit } from "../visit.ts";

const COLD_READS = 40;
const HANG_MS = 1_000;
const WITHIN_MS = 2_000;
const SLOW_MS = 900;

/** Misses do not wait for a Redis that hangs, and Server-Timing says what each of them waited for. */
export const trial: Trial = {
  about: "Redis hangs under cold reads",
  async run({ shop, services, drive, seconds, rate }) {
    const { visits } = await drive({
      forMs: HANG_MS + WITHIN_MS + seconds(15),
      happenings: [{ atMs: HANG_MS, act: () => services.fault("redis", { hang: "before" }) }],
      streams: [
        {
          name: "cold",
          perSecond: rate(COLD_READS),
          errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        },
      ],
    });
    const later = between(visits, HANG_MS + WITHIN_MS);
    return [
      {
        name: "misses over 0.9 s from 2 s on",
        value: share(later, ({ ms }) => ms > SLOW_MS),
        unit: "%",
        goal: { most: 1 },
      },
      {
        name: "p99 of the time that no step of Server-Timing has",
        value: percentile(later.flatMap(untimed), 0.99),
        unit: "ms",
        goal: { most: 20 },
      },
      { name: "good reads", value: share(later, isGood), unit: "%", goal: { least: 99 } },
    ];
  },
};

/** Returns the total less the steps. A query is a part of its load, so that it is not a summand. */
function untimed({ headers }: Visit): readonly number[] {
  const steps = new Map(serverTiming(headers["server-timing"]));
  const total = steps.get("total");
  if (total === undefined) return [];
  steps.delete("total");
  if (steps.has("origin")) steps.delete("sql");
  const sum = [...steps.values()].reduce((all, ms) => all + ms, 0);
  return [Math.max(0, total - sum)];
}
