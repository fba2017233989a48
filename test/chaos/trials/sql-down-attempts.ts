import type { Drive } from "../drive.ts";
import type { Stage } from "../stage.ts";
import type { Figure, Trial } from "../trial.ts";
import type { Behaviour } from "../visit.ts";
import { INSTANCES } from "../stage.ts";

const COLD_READS = 60;
/** Loads fail at once, so that a breaker has its minimum of calls within a second. */
const OPEN_MS = 1_000;
const SETTLED_MS = 3_000;

/** A database that is down gets few attempts, also if clients repeat their requests. */
export const trial: Trial = {
  about:
    "SQL answers 500 to everything; attempts at SQL with patient clients and with clients that retry",
  async run(stage) {
    const patient = await attempts(stage, "no retries", {});
    await stage.settle();
    return [...patient, ...(await attempts(stage, "3 retries", { retries: 3 }))];
  },
};

async function attempts(
  { shop, services, drive, seconds, rate }: Stage,
  name: string,
  behaviour: Behaviour,
): Promise<readonly Figure[]> {
  const forMs = SETTLED_MS + seconds(8);
  const seen: number[] = [];
  const note = async (): Promise<void> => void seen.push((await services.used()).sql);
  let requests = 0;
  await services.fault("sql", { status: 500 });
  const driven: Drive = await drive({
    forMs,
    happenings: [0, OPEN_MS, SETTLED_MS, forMs].map((atMs) => ({ atMs, act: note })),
    streams: [
      {
        name: "cold",
        perSecond: rate(COLD_READS),
        behaviour,
        errand(n) {
          const errand = shop.product(n % INSTANCES, shop.take(1)[0] ?? 0);
          return { ...errand, onAnswer: () => void (requests += 1) };
        },
      },
    ],
  });
  await services.heal();
  const [begin = 0, open = 0, settled = 0, end = 0] = seen;
  const early = driven.visits.filter(({ dueMs }) => dueMs < OPEN_MS);
  const earlyRequests = early.reduce((sum, visit) => sum + visit.requests, 0);
  const perSecond = (end - settled) / ((forMs - SETTLED_MS) / 1_000);
  return [
    {
      name: `SQL attempts a request in the first second, ${name}`,
      value: (open - begin) / earlyRequests,
      unit: "",
      goal: { most: 1.1 },
    },
    {
      name: `SQL attempts a second and isolate after 3 s, ${name}`,
      value: perSecond / INSTANCES,
      unit: "",
      goal: { most: 2.2 },
    },
    { name: `SQL attempts a request in all, ${name}`, value: (end - begin) / requests, unit: "" },
  ];
}
