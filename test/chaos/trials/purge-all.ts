import { percentile, times } from "../figures.ts";
import { INSTANCES, type Stage } from "../stage.ts";
import type { Trial } from "../trial.ts";

const MADE_UP = 200;
const PER_SECOND = 20;
/** The time that the filter may take to come back. Meanwhile some clients ask for made-up products. */
const WITHIN_S = 6;

/** After a purge of everything, requests for made-up products must not reach the database for long. */
export const trial: Trial = {
  about: "a purge of everything; then 200 requests for products that do not exist",
  async run(stage) {
    const { shop, ask, services, product } = stage;
    // The cron trigger builds the filters, and an isolate loads one after a read that found nothing.
    await product.runCron();
    for (let n = 0; n < 2 * INSTANCES; n += 1) await ask(shop.madeUp(n % INSTANCES));
    await stage.drive({ forMs: 6_000, streams: [strangers(stage, 2)] });
    const before = await queriesOf(stage, 3_000);
    await ask(shop.write(0, "POST", "/admin/purge", { everything: true }));
    const meanwhile = await services.usedBy(() =>
      stage.drive({ forMs: WITHIN_S * 1_000, streams: [strangers(stage, 5)] }),
    );
    const after = await queriesOf(stage, (MADE_UP / PER_SECOND) * 1_000);
    return [
      {
        name: "SQL queries for made-up products before the purge",
        value: before.queries,
        unit: "queries",
      },
      {
        name: "SQL queries in the 6 s after the purge, for 30 made-up products",
        value: productQueries(meanwhile.used.tables),
        unit: "queries",
      },
      {
        name: "SQL queries for 200 made-up products, 6 s after the purge",
        value: after.queries,
        unit: "queries",
        goal: { most: 10 },
      },
      { name: "p99 of these reads", value: after.p99, unit: "ms" },
    ];
  },
};

function strangers({ shop }: Stage, perSecond: number) {
  return { name: "made-up", perSecond, errand: (n: number) => shop.madeUp(n % INSTANCES) };
}

async function queriesOf(stage: Stage, forMs: number): Promise<{ queries: number; p99: number }> {
  const { value, used } = await stage.services.usedBy(() =>
    stage.drive({ forMs, streams: [strangers(stage, PER_SECOND)] }),
  );
  return { queries: productQueries(used.tables), p99: percentile(times(value.visits), 0.99) };
}

function productQueries(tables: Readonly<Record<string, number>>): number {
  return tables["products"] ?? 0;
}
