import { isGood, percentile, share, times } from "../figures.ts";
import { INSTANCES } from "../stage.ts";
import type { Trial } from "../trial.ts";

/** A new product becomes popular this often. */
const NEXT_MS = 100;
const LEAVES_AFTER_MS = 40;

/** A load goes on for those who wait, whoever asked first and left. */
export const trial: Trial = {
  about: "4 of 5 readers of each cold product leave after 40 ms, before SQL has answered",
  async run({ shop, services, drive, seconds, rate }) {
    await services.fault("sql", { latencyMs: 100 });
    const forMs = seconds(12);
    const ids = shop.take(Math.ceil(forMs / NEXT_MS) + 1);
    const before = await services.used();
    const begin = performance.now();
    const popular = (n: number) =>
      shop.product(
        n % INSTANCES,
        ids[Math.min(ids.length - 1, Math.floor((performance.now() - begin) / NEXT_MS))] ?? 0,
      );
    const { visits } = await drive({
      forMs,
      streams: [
        {
          name: "leaves",
          perSecond: rate(80),
          behaviour: { leavesAfterMs: LEAVES_AFTER_MS },
          errand: popular,
        },
        { name: "stays", perSecond: rate(20), errand: popular },
      ],
    });
    const queries = (await services.used()).queries - before.queries;
    const stays = visits.filter(({ stream }) => stream === "stays");
    return [
      {
        name: "good reads of those who stayed",
        value: share(stays, isGood),
        unit: "%",
        goal: { least: 99.9 },
      },
      {
        name: "p99 of those who stayed",
        value: percentile(times(stays), 0.99),
        unit: "ms",
        goal: { most: 1_000 },
      },
      {
        name: "SQL queries for each product",
        value: queries / ids.length,
        unit: "queries",
        goal: { most: 1.5 },
      },
    ];
  },
};
