import { percentile, times } from "../figures.ts";
import { INSTANCES, type Stage } from "../stage.ts";
import type { Figure, Trial } from "../trial.ts";
import type { Visit } from "../visit.ts";

const POLLS = 4 * INSTANCES;
const COLD_READS = 10;
const HANG_S = 2;
/** The share of the requests to SQL and Redis that fail while health must not flap. */
const ERROR_RATE = 0.05;

/** One answer of /health. Times are milliseconds since the epoch. */
interface Report {
  readonly instance: number;
  readonly at: number;
  readonly status: string;
}

/** /health is quick and right while SQL hangs, and steady while a few requests fail. */
export const trial: Trial = {
  about:
    "/health while SQL hangs for 15 s, and with 5 % of errors for 60 s (10 min by --factor 10)",
  async run(stage) {
    const hang = await hanging(stage);
    await stage.settle();
    return [...hang, ...(await failingSometimes(stage))];
  },
};

async function hanging(stage: Stage): Promise<readonly Figure[]> {
  const { services, seconds } = stage;
  const healAfterMs = HANG_S * 1_000 + Math.max(8_000, seconds(15));
  let hungAt = 0;
  let healedAt = 0;
  const { reports, visits } = await poll(stage, healAfterMs + 10_000, [
    {
      atMs: HANG_S * 1_000,
      async act() {
        hungAt = Date.now();
        await services.fault("sql", { hang: "before" });
      },
    },
    {
      atMs: healAfterMs,
      async act() {
        healedAt = Date.now();
        await services.heal();
      },
    },
  ]);
  const inHang = visits.filter(({ dueMs }) => dueMs >= HANG_S * 1_000 && dueMs < healAfterMs);
  /** Seconds from a change until a report is right and all later ones are, on the slowest instance. */
  const untilRight = (from: number, to: number, isRight: (status: string) => boolean): number =>
    Math.max(
      ...Array.from({ length: INSTANCES }, (_, instance) => {
        const own = reports.filter(
          (report) => report.instance === instance && report.at > from && report.at <= to,
        );
        const lastWrong = own.findLastIndex(({ status }) => !isRight(status));
        return ((own[lastWrong + 1]?.at ?? Infinity) - from) / 1_000;
      }),
    );
  return [
    {
      name: "longest answer in the hang",
      value: Math.max(...times(inHang)),
      unit: "ms",
    },
    {
      name: "p99 of the answers in the hang",
      value: percentile(times(inHang), 0.99),
      unit: "ms",
      goal: { most: 100 },
    },
    {
      name: "after SQL hung, until no instance says ok",
      value: untilRight(hungAt, healedAt, (status) => status !== "ok"),
      unit: "s",
      goal: { most: 5 },
    },
    {
      name: "after SQL answers again, until all say ok",
      value: untilRight(healedAt, Infinity, (status) => status === "ok"),
      unit: "s",
      goal: { most: 5 },
    },
  ];
}

async function failingSometimes(stage: Stage): Promise<readonly Figure[]> {
  await stage.services.fault("sql", { errorRate: ERROR_RATE });
  await stage.services.fault("redis", { errorRate: ERROR_RATE });
  const { reports } = await poll(stage, stage.seconds(60), []);
  const changes = Array.from({ length: INSTANCES }, (_, instance) => {
    const own = reports.filter((report) => report.instance === instance);
    return own.filter(({ status }, at) => at > 0 && status !== own[at - 1]?.status).length;
  });
  return [
    {
      name: "changes of the status at 5 % of errors",
      value: Math.max(...changes),
      unit: "changes",
      // One change says that something fails. A second one takes it back.
      goal: { most: 1 },
    },
  ];
}

async function poll(
  { shop, drive, rate }: Stage,
  forMs: number,
  happenings: readonly { readonly atMs: number; readonly act: () => Promise<unknown> }[],
): Promise<{ reports: readonly Report[]; visits: readonly Visit[] }> {
  const reports: Report[] = [];
  const { visits } = await drive({
    forMs,
    happenings,
    streams: [
      {
        name: "health",
        perSecond: POLLS,
        errand(n) {
          const instance = n % INSTANCES;
          return {
            ...shop.get(instance, "/health"),
            isRight: () => true,
            onAnswer: ({ body, endedAt: at }) =>
              void reports.push({ instance, at, status: statusOf(body) }),
          };
        },
      },
      {
        name: "cold",
        perSecond: rate(COLD_READS),
        errand: (n) => shop.product(n % INSTANCES, shop.take(1)[0] ?? 0),
      },
    ],
  });
  return {
    reports: reports.toSorted((a, b) => a.at - b.at),
    visits: visits.filter(({ stream }) => stream === "health"),
  };
}

function statusOf(body: string): string {
  try {
    return String((JSON.parse(body) as { status?: unknown }).status);
  } catch {
    return "unreadable";
  }
}
