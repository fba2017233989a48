import { isGood, isShed, percentile, serverTiming, share, times } from "../figures.ts";
import { INSTANCES } from "../stage.ts";
import type { Trial } from "../trial.ts";
import type { Visit } from "../visit.ts";

const SLOW_MS = 3_000;
/** With both isolates' slots taken, 43 queries a second end. */
const COLD_READS = 60;
/** The slots of an isolate by default; no set of isolates may run more. */
const MOST_QUERIES = 64 * INSTANCES;

/** A slow database is not given more queries at once than the stated number, and nobody waits long for a slot. */
export const trial: Trial = {
  about: "SQL takes 3 s for each query, under more cold reads than it can answer",
  async run({ shop, services, drive, seconds }) {
    await services.fault("sql", { latencyMs: SLOW_MS });
    await services.resetCounts();
    const { visits } = await drive({
      forMs: seconds(16),
      streams: [
        {
          name: "cold",
          perSecond: COLD_READS,
          errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        },
      ],
    });
    const { sql } = await services.running();
    return [
      {
        name: "most SQL queries at once",
        value: sql.most,
        unit: "queries",
        goal: { most: MOST_QUERIES },
      },
      {
        name: "p99 of the wait for a slot",
        value: percentile(
          visits.flatMap((visit) => slotWaitOf(visit) ?? []),
          0.99,
        ),
        unit: "ms",
        goal: { most: 500 },
      },
      { name: "good reads", value: share(visits, isGood), unit: "%" },
      {
        name: "p99 of the time until a refusal",
        value: percentile(times(visits.filter(isShed)), 0.99),
        unit: "ms",
      },
    ];
  },
};

/**
 * Returns how long a read waited for a slot, from Server-Timing: the step `slot`, or what a load took
 * beside its query if there is no such step. A refused read without the step waited all the time.
 */
function slotWaitOf({ outcome, ms, headers }: Visit): number | undefined {
  const steps = serverTiming(headers["server-timing"]);
  const origin = steps.get("origin");
  if (steps.has("slot")) return steps.get("slot");
  if (outcome === "shed") return ms;
  return origin === undefined ? undefined : Math.max(0, origin - SLOW_MS);
}
