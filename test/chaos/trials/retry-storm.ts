import { between, isGood, secondsUntilGood, share } from "../figures.ts";
import type { Trial } from "../trial.ts";
import type { Behaviour } from "../visit.ts";

/** SQL that answers 40 queries a second, twice what the clients need if all of them get their answer. */
const CAPACITY = { latencyMs: 200, concurrency: 8 } as const;
const HANG_S = 3;
const IMPATIENT: Readonly<Record<string, Behaviour>> = {
  retries: { retries: 3 },
  leaves: { leavesAfterMs: 2_000 },
};

/** After a hang, waiting and repeated work must not keep the service down. */
export const trial: Trial = {
  about:
    "SQL hangs for 15 s; half of the clients of cold products retry 3 times, half leave after 2 s",
  async run({ shop, services, drive, warm, seconds, rate }) {
    const hot = await warm(40);
    const healedMs = HANG_S * 1_000 + seconds(15);
    let before = 0;
    await services.fault("sql", CAPACITY);
    const { visits } = await drive({
      forMs: healedMs + seconds(40),
      happenings: [
        {
          atMs: HANG_S * 1_000,
          act: () => services.fault("sql", { ...CAPACITY, hang: "before" }),
        },
        {
          atMs: healedMs,
          async act() {
            before = (await services.used()).queries;
            await services.fault("sql", CAPACITY);
          },
        },
      ],
      streams: [
        ...Object.entries(IMPATIENT).map(([name, behaviour]) => ({
          name,
          perSecond: 10,
          behaviour,
          errand: (n: number) => shop.product(n % 2, shop.take(1)[0] ?? 0),
        })),
        {
          name: "warm",
          perSecond: rate(60),
          errand: (n) => shop.product(n % 2, hot[n % hot.length] ?? 0),
        },
      ],
    });
    const queries = (await services.used()).queries - before;
    const cold = visits.filter(({ stream }) => stream !== "warm");
    // A product of this trial is read by one client only, and each needs one query.
    const served = cold.filter(
      (visit) => isGood(visit) && visit.dueMs + visit.ms > healedMs,
    ).length;
    return [
      {
        name: "until 95 % of the cold reads are good",
        value: secondsUntilGood(cold, healedMs),
        unit: "s",
        goal: { most: 10 },
      },
      {
        name: "queries after the hang for clients that had gone",
        value: Math.max(0, queries - served),
        unit: "queries",
      },
      {
        name: "good warm reads in the hang",
        value: share(between(visits, HANG_S * 1_000, healedMs, ["warm"]), isGood),
        unit: "%",
        goal: { least: 99 },
      },
    ];
  },
};
