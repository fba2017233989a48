/** The warm-up of the reference API, as a task of the cron trigger. */
import { CacheUnavailable, type Cron, type Database } from "../index.ts";
import { productKind } from "./kinds.ts";
import { listProductIds } from "./queries.ts";

/** One step has one round of `cache.warm`: two SQL queries, or one if Redis has all of them. */
const STEP_IDS = 200;
/** The products with the lowest ids: those of the first pages of the list of all products. */
const MAX_IDS = 1_000;

/** Keeps the first 1,000 products in Redis. The cursor is the number of products so far and the last id. */
export function defineWarmUp(cron: Cron, db: Database): void {
  cron.define({
    name: "warm-products",
    // Four times in the fresh lifetime of a product.
    every: "15m",
    async run(cursor, { cache }) {
      const [count = 0, after = 0] = (cursor ?? "0 0").split(" ").map(Number);
      const ids = await listProductIds(db, STEP_IDS, after);
      const { keyOf, policy, loader } = productKind;
      for await (const { fault } of cache.warm(ids.map(keyOf), policy, loader(db)))
        if (fault !== undefined) throw new CacheUnavailable(fault);
      const warmed = count + ids.length;
      const last = ids.at(-1);
      const isLast = last === undefined || ids.length < STEP_IDS || warmed >= MAX_IDS;
      return isLast ? undefined : `${warmed} ${last}`;
    },
  });
}
