import {
  between,
  isGood,
  isShed,
  ownTimes,
  percentile,
  serverTiming,
  share,
  times,
} from "../figures.ts";
import type { Stage } from "../stage.ts";
import type { Trial } from "../trial.ts";

/**
 * SQL that answers about 20 queries a second. A cold read takes 13 ms of processor time in all processes, so that twice
 * as many leave most of two cores idle. At 80 a second, reads would wait for the processor.
 */
const CAPACITY = { latencyMs: 400, concurrency: 8 } as const;
/** Clients that ask one after the other, enough to keep SQL busy and few enough not to overload it. */
const CLIENTS = 16;
const CALIBRATION_MS = 4_000;
/** All 64 slots of each isolate are taken at first. SQL needs this long to answer their queries. */
const RAMP_MS = 8_000;
/** A client waits this long for a page. */
const PATIENCE_MS = 2_000;

/** Beyond its capacity the service does what it can, and refuses the rest at once. */
export const trial: Trial = {
  about: "cold reads at twice the rate that SQL can answer; each client leaves after 2 s",
  async run(stage) {
    const { shop, services, drive, seconds } = stage;
    await services.fault("sql", CAPACITY);
    const capacity = await measureCapacity(stage);
    const forMs = RAMP_MS + seconds(20);
    const { visits } = await drive({
      forMs,
      streams: [
        {
          name: "cold",
          perSecond: capacity * 2,
          behaviour: { leavesAfterMs: PATIENCE_MS },
          errand: (n) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        },
      ],
    });
    const offered = between(visits, RAMP_MS);
    const good = offered.filter(isGood).length / ((forMs - RAMP_MS) / 1_000);
    return [
      { name: "capacity of SQL", value: capacity, unit: "reads/s" },
      {
        name: "good reads, of the capacity",
        value: (good / capacity) * 100,
        unit: "%",
        goal: { least: 80 },
      },
      { name: "refused reads", value: share(offered, isShed), unit: "%" },
      {
        name: "reads whose client left",
        value: share(offered, ({ outcome }) => outcome === "left"),
        unit: "%",
      },
      {
        name: "p99 of the time until a refusal",
        value: percentile(times(offered.filter(isShed)), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
      {
        name: "p99 of the same, as the Worker counts it",
        value: percentile(ownTimes(offered.filter(isShed)), 0.99),
        unit: "ms",
        goal: { most: 50 },
      },
      {
        // The rest of the time of a refusal is the machine's: it takes the tiers and the flight as long as a good read.
        name: "p99 of the wait for a slot until a refusal",
        value: percentile(
          offered.filter(isShed).flatMap(({ headers }) => slotStep(headers["server-timing"]) ?? []),
          0.99,
        ),
        unit: "ms",
        goal: { most: 50 },
      },
    ];
  },
};

/** Returns how long a refused read waited for a slot. Undefined if it was refused before it asked for one. */
function slotStep(field: string | undefined): number | undefined {
  return serverTiming(field).get("slot");
}

/** Measures how many cold reads a second are answered if each client waits for its answer. */
async function measureCapacity({ shop, ask }: Stage): Promise<number> {
  const begin = performance.now();
  let answered = 0;
  const client = async (instance: number): Promise<void> => {
    while (performance.now() - begin < CALIBRATION_MS) {
      const { outcome } = await ask(shop.product(instance, shop.take(1)[0] ?? 0));
      if (outcome === "fresh") answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n % 2)));
  return (answered / (performance.now() - begin)) * 1_000;
}
