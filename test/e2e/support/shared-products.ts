/**
 * Products that several test files use. A start of `npm run dev` takes about 17 s of processor time, so a
 * product runs from the first file that asks for it to the end of the last file of the worker.
 */
import { it } from "vitest";
import { startPassThrough } from "./pass-through.ts";
import { startProduct } from "./product.ts";

interface Cleanup {
  readonly onCleanup: (stop: () => Promise<void>) => void;
}

/** A fixture that vitest starts when the first file asks for it, and stops when the worker ends. */
function lasting<T extends { stop(): Promise<void> }>(start: () => Promise<T>) {
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of other fixtures from this pattern
  return async ({}: object, { onCleanup }: Cleanup): Promise<T> => {
    const started = await start();
    onCleanup(() => started.stop());
    return started;
  };
}

/**
 * Gives the products to `beforeAll`; the tests themselves use the `it` of vitest.
 *
 * @example
 * let product: Product;
 * products.beforeAll(({ shop }) => void (product = shop));
 */
export const products = it
  // Two instances. No cron handler runs: Redis and SQL would count what it asks.
  .extend(
    "shop",
    { scope: "worker" },
    lasting(() => startProduct()),
  )
  // Two instances, and a cron handler that runs every 2 s.
  .extend(
    "shopWithCron",
    { scope: "worker" },
    lasting(() => startProduct({ cronSeconds: 2 })),
  )
  // Two instances that pass everything on to a scripted HTTP origin, in rfc mode.
  .extend(
    "passThrough",
    { scope: "worker" },
    lasting(() => startPassThrough({ sharing: "rfc" })),
  )
  // One instance that does so in the default mode.
  .extend(
    "safePassThrough",
    { scope: "worker" },
    lasting(() => startPassThrough({ instances: 1 })),
  );
