import { eq } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { CacheUnavailable, definePolicy, key, WriteUnconfirmed } from "../../src/index.ts";
import type { TestIsolate } from "../support/isolate.ts";
import { WINDOW_MS } from "../support/observers.ts";
import { createWorld, type World } from "../support/shared-world.ts";
import { newCategories, newProduct, stockOf, testDatabase } from "../writes/database.ts";
import { clearFaults, putFault } from "../writes/faults.ts";

const base = { freshFor: "10m", jitter: 0, tags: ["products"], flight: "isolate" } as const;
const lenient = definePolicy({ ...base, staleIfError: "1h" });

afterEach(clearFaults);

/** Updates a row through the writer of an isolate, and invalidates `tags`. */
async function update(isolate: TestIsolate, id: number, ...tags: readonly string[]) {
  const db = testDatabase();
  const statement = db.update(products).set({ stock: 8 }).where(eq(products.id, id)).returning();
  return isolate.layer.writer.mutate({ statements: [statement], tags }, isolate.request().ctx);
}

/** Makes the database answer 500 to a write of `tags`. The change is not made. */
async function failToWrite(isolate: TestIsolate, ...tags: readonly string[]): Promise<void> {
  await putFault("sql", { status: 500 });
  await expect(update(isolate, 0, ...tags)).rejects.toThrow(WriteUnconfirmed);
  await clearFaults();
}

/** Every isolate holds the entry, the origin fails, and an isolate makes an unconfirmed write. */
async function setup(policy = lenient): Promise<World> {
  const world = await createWorld();
  for (const isolate of [world.here, world.neighbour, world.away])
    await world.read(isolate, policy);
  await world.settle();
  await failToWrite(world.away, "products");
  world.origin.failing = new Error("connection refused");
  world.clock.advance(WINDOW_MS);
  return world;
}

const isolatesOf = ({ here, neighbour, away, fresh }: World) => [here, neighbour, away, fresh()];

describe("an entry that only an unconfirmed write may have invalidated", () => {
  it("while the origin fails, every isolate serves an entry after an unconfirmed write, marked `unconfirmed`", async () => {
    const world = await setup();
    for (const isolate of isolatesOf(world))
      expect(await world.read(isolate, lenient)).toMatchObject({
        status: "stale-on-error",
        value: 1,
        unconfirmed: true,
        unreachable: false,
      });
  });

  it("when the origin answers again, no isolate serves the entry from before an unconfirmed write", async () => {
    const world = await setup();
    world.origin.failing = undefined;
    world.origin.write();
    for (const isolate of isolatesOf(world)) {
      const lookup = await world.read(isolate, lenient);
      expect(lookup).toMatchObject({ value: 2 });
      expect(lookup.unconfirmed ?? false).toBe(false);
    }
    expect(await world.read(world.here, lenient)).toMatchObject({ status: "hit-memory", value: 2 });
  });

  it("after a purge, a read fails with CacheUnavailable although an unconfirmed write came before or after the purge", async () => {
    const world = await setup();
    await world.purge("t:products");
    world.clock.advance(WINDOW_MS);
    for (const isolate of isolatesOf(world))
      await expect(world.read(isolate, lenient)).rejects.toThrow(CacheUnavailable);
    await failToWrite(world.away, "products");
    world.clock.advance(WINDOW_MS);
    for (const isolate of isolatesOf(world))
      await expect(world.read(isolate, lenient)).rejects.toThrow(CacheUnavailable);
  });

  it("after the outbox relay has found that an unconfirmed write was committed, no isolate serves the older entry", async () => {
    const world = await createWorld();
    for (const isolate of [world.here, world.neighbour, world.away])
      await world.read(isolate, lenient);
    await world.settle();
    const db = testDatabase();
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    await putFault("sql", { reset: true, only: "write" });
    await expect(update(world.away, id, "products")).rejects.toThrow(WriteUnconfirmed);
    await clearFaults();
    await world.settle();
    expect(await stockOf(db, id)).toBe(8);
    await world.away.layer.writer.relay(world.away.request().ctx);

    world.origin.failing = new Error("connection refused");
    world.clock.advance(WINDOW_MS);
    for (const isolate of isolatesOf(world))
      await expect(world.read(isolate, lenient)).rejects.toThrow(CacheUnavailable);
  });

  it("a policy without `staleIfError` serves no entry after an unconfirmed write", async () => {
    const strict = definePolicy(base);
    const world = await setup(strict);
    for (const isolate of isolatesOf(world))
      await expect(world.read(isolate, strict)).rejects.toThrow(CacheUnavailable);
  });

  it("a load that takes longer than `softTimeout` does not make a read serve an entry after an unconfirmed write", async () => {
    const hasty = definePolicy({ ...base, staleIfError: "1h", softTimeout: 1 });
    const world = await setup(hasty);
    world.origin.failing = undefined;
    world.origin.write();
    const gate = world.origin.holdNext();
    const reading = world.read(world.here, hasty);
    await gate.reached;
    await world.hear(world.here);
    gate.open();
    expect(await reading).toMatchObject({ value: 2 });
  });

  it("a value that a loader makes of an `unconfirmed` value is marked `unconfirmed` too and is not stored", async () => {
    const world = await setup();
    const outer = definePolicy({ freshFor: "1m", staleIfError: "1h", flight: "isolate" });
    const readOuter = (isolate: TestIsolate) =>
      isolate
        .request()
        .read(
          key("outer", 1),
          outer,
          async ({ read }) => (await read(world.key, lenient, world.origin.load)).value,
        );
    expect(await readOuter(world.here)).toMatchObject({ value: 1, unconfirmed: true });
    await world.settle();
    expect(world.here.layer.memory.peek(key("outer", 1))).toBeUndefined();
    world.origin.failing = undefined;
    world.origin.write();
    world.clock.advance(WINDOW_MS);
    expect(await readOuter(world.here)).toMatchObject({ value: 2 });
  });

  it("while SQL answers 500 for 30 s and one request in 100 is a write, every read of entries that were cached gets a value", async () => {
    const world = await createWorld();
    const policy = definePolicy({ freshFor: "10m", staleIfError: "1h", flight: "isolate" });
    const keys = Array.from({ length: 20 }, (_, id) => key("product", id));
    const read = (isolate: TestIsolate, at: number) =>
      isolate.request().read(keys[at % 20] ?? "", policy, async (load) => {
        load.tag(`product:${at % 20}`);
        return world.origin.load(load);
      });
    const isolates = [world.here, world.neighbour, world.away];
    for (const isolate of isolates) for (const at of keys.keys()) await read(isolate, at);
    await world.settle();
    world.origin.failing = new Error("500");
    await putFault("sql", { status: 500 });
    let good = 0;
    for (let request = 0; request < 600; request++) {
      const isolate = isolates[request % 3] ?? world.here;
      world.clock.advance(50);
      if (request % 100 === 0)
        await expect(update(isolate, 0, `product:${request / 100}`)).rejects.toThrow(
          WriteUnconfirmed,
        );
      else
        good += await read(isolate, request).then(
          () => 1,
          () => 0,
        );
    }
    expect(good).toBe(594);
  });
});
