import { eq } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { withCache } from "../../src/entries/drizzle.ts";
import { categories, products } from "../../src/api/schema.ts";
import {
  holdNextAnswer,
  holdNextRequest,
  refuseRequests,
  restoreNetwork,
} from "../support/network.ts";
import { newProduct, testDatabase } from "../writes/database.ts";
import { createShop, setup } from "./drizzle-shop.ts";
import { createIsolates, WINDOW_MS } from "./isolates.ts";

afterEach(restoreNetwork);

describe("withCache", () => {
  it("an equal query with $withCache sends no request to Postgres, in this isolate and in another", async () => {
    const { here, away, id } = await setup();
    expect(await here.costOf(() => here.read(id))).toBe(1);
    expect(await here.costOf(() => here.read(id))).toBe(0);
    await vi.waitFor(async () => expect(await away.costOf(() => away.read(id))).toBe(0));
    expect(await away.read(id)).toBe("");
    expect(await here.costOf(() => here.select(id))).toBe(1);
  });

  it("a result from the cache has the values of the columns that the query maps, dates included", async () => {
    const { here, id } = await setup();
    const productId = await newProduct(testDatabase(), id);
    const read = () =>
      here.db.select().from(products).where(eq(products.id, productId)).$withCache();
    const loaded = await read();
    expect(loaded[0]?.updatedAt).toBeInstanceOf(Date);
    expect(await here.costOf(async () => expect(await read()).toEqual(loaded))).toBe(0);
  });

  it("a write through the database object is seen by the next read of this isolate, and by another isolate within its coherence bound", async () => {
    const { isolates, here, away, id } = await setup();
    await here.read(id);
    await away.read(id);
    await here.write(id, "new");
    expect(await here.read(id)).toBe("new");
    isolates.clock.advance(WINDOW_MS);
    expect(await away.read(id)).toBe("new");
  });

  it("a write to one table leaves the results of another table in the cache", async () => {
    const { here, id } = await setup();
    await here.read(id);
    await here.db.update(products).set({ stock: 4 }).where(eq(products.id, -1));
    expect(await here.costOf(() => here.read(id))).toBe(0);
  });

  it("with the strategy all every query is cached, but not one with $withCache(false)", async () => {
    const { here, id } = await setup({ strategy: "all" });
    await here.select(id);
    expect(await here.costOf(() => here.select(id))).toBe(0);
    expect(await here.costOf(() => here.select(id).$withCache(false))).toBe(1);
  });

  it("a query with a tag answers until the tag is invalidated by $cache.invalidate", async () => {
    const { here, id } = await setup();
    const read = () => here.select(id).$withCache({ tag: "one category" });
    await read();
    expect(await here.costOf(read)).toBe(0);
    await here.db.$cache.invalidate({ tags: "one category" });
    expect(await here.costOf(read)).toBe(1);
    await here.db.$cache.invalidate({ tables: categories });
    expect(await here.costOf(read)).toBe(1);
    await here.db.$cache.invalidate({ tables: ["categories"] });
    expect(await here.costOf(read)).toBe(1);
  });

  it("a result with autoInvalidate false stays after a write to its table, until its lifetime ends", async () => {
    const { isolates, here, id } = await setup();
    const read = () => here.select(id).$withCache({ autoInvalidate: false, config: { ex: 30 } });
    await read();
    await here.write(id, "new");
    expect(await read()).toEqual([{ description: "" }]);
    isolates.clock.advance(31_000);
    expect(await read()).toEqual([{ description: "new" }]);
  });

  it.each([
    ["ex", () => ({ ex: 5 })],
    ["px", () => ({ px: 5_000 })],
    ["exat", (now: number) => ({ exat: Math.floor(now / 1_000) + 5 })],
    ["pxat", (now: number) => ({ pxat: now + 5_000 })],
  ])("a result with the setting %s ends after the 5 s that it states", async (_, config) => {
    const { isolates, here, id } = await setup();
    const read = () => here.select(id).$withCache({ config: config(isolates.clock.now()) });
    await read();
    expect(await here.costOf(read)).toBe(0);
    isolates.clock.advance(5_100);
    expect(await here.costOf(read)).toBe(1);
  });

  it("a setting that only a hash of Redis has is refused by name", async () => {
    const { here, id } = await setup();
    const read = here.select(id).$withCache({ config: { keepTtl: true } });
    await expect(read).rejects.toThrow("keepTtl");
  });

  it("databases with different names share no result", async () => {
    const { isolates, here, id } = await setup();
    const other = createShop(isolates, { database: "shop of another tenant" });
    await here.read(id);
    expect(await other.costOf(() => other.read(id))).toBe(1);
  });

  it("a query with a token of $withAuth is neither answered nor stored by the cache", async () => {
    const { here, id } = await setup({ strategy: "all" });
    const own = here.db.$withAuth("token");
    const read = () => own.select().from(categories).where(eq(categories.id, id));
    await read();
    expect(await here.costOf(read)).toBe(1);
  });

  it("an object that is no database of drizzle-orm is refused", () => {
    const { strata } = createIsolates().start();
    expect(() => withCache({}, strata, { database: "shop" })).toThrow("drizzle-orm 0.45");
  });
});

describe("races of cached queries of drizzle-orm", () => {
  it("a result that was read before a write of another isolate, and arrives after it, answers no later read", async () => {
    const { isolates, here, away, id } = await setup();
    const gate = holdNextAnswer("select");
    const reading = here.read(id);
    await gate.reached;
    await away.write(id, "new");
    gate.open();
    expect(await reading).toBe("");
    isolates.clock.advance(WINDOW_MS);
    expect([await here.read(id), await away.read(id)]).toEqual(["new", "new"]);
    expect(await createShop(isolates).read(id)).toBe("new");
  });

  it("a result that was read before a purge by tag, and arrives after it, answers no later read", async () => {
    const { isolates, here, away, id } = await setup();
    const read = (shop: typeof here) => shop.select(id).$withCache({ tag: "category" });
    const gate = holdNextAnswer("select");
    const reading = read(here).execute();
    await gate.reached;
    await testDatabase()
      .update(categories)
      .set({ description: "new" })
      .where(eq(categories.id, id));
    await away.db.$cache.invalidate({ tags: "category" });
    gate.open();
    await reading;
    isolates.clock.advance(WINDOW_MS);
    expect(await read(here)).toEqual([{ description: "new" }]);
  });

  it("a result that is read and stored while a write is on its way answers no read after the write", async () => {
    const { isolates, here, away, id } = await setup();
    await here.read(id);
    const gate = holdNextRequest("update");
    const writing = away.write(id, "new").execute();
    await gate.reached;
    isolates.clock.advance(WINDOW_MS);
    // A reader that drizzle-orm's own order would mislead: it would have heard of the write already.
    expect(await here.read(id)).toBe("");
    gate.open();
    await writing;
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("new");
  });

  it("a write that the database made, and whose answer was lost, invalidates", async () => {
    const { isolates, here, away, id } = await setup();
    await here.read(id);
    const gate = holdNextAnswer("update");
    const writing = away
      .write(id, "new")
      .execute()
      .catch(() => "lost");
    await gate.reached;
    refuseRequests(() => false);
    gate.open();
    await writing;
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("new");
  });

  it("a batch invalidates the tables of its statements when it has ended", async () => {
    const { isolates, here, away, id } = await setup();
    await here.read(id);
    const gate = holdNextRequest("update");
    const writing = away.db.batch([away.select(id), away.write(id, "new")]);
    await gate.reached;
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("");
    gate.open();
    await writing;
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("new");
  });

  it("a write that is committed does not fail while Redis cannot be reached, and this isolate serves the new row", async () => {
    const { here, id } = await setup();
    await here.read(id);
    refuseRequests((body) => !body.includes("query"));
    await here.write(id, "new");
    expect(await here.read(id)).toBe("new");
  });

  it("equal queries at the same time, with a write between them, leave the newer result", async () => {
    const { isolates, here, away, id } = await setup();
    const gate = holdNextAnswer("select");
    const first = here.read(id);
    await gate.reached;
    await away.write(id, "new");
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("new");
    gate.open();
    expect(await first).toBe("");
    expect(await here.read(id)).toBe("new");
    isolates.clock.advance(WINDOW_MS);
    expect(await here.read(id)).toBe("new");
  });
});
