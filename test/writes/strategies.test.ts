/** The write strategies of docs/consistency.md: what each prevents, and what it does not. */
import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { definePolicy, key, type LoadContext } from "../../src/index.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { newCategories, newProduct, stockOf, testDatabase } from "./database.ts";

const policy = definePolicy({ freshFor: "1h" });

async function setup() {
  const db = testDatabase();
  const [category = 0] = await newCategories(db, 1);
  const id = await newProduct(db, category);
  const namespace = uniqueNamespace();
  const writer = createTestIsolate({ namespace, host: "a" });
  const reader = createTestIsolate({ namespace, host: "b" });
  const item = key("stock", id);
  const load = (context: LoadContext) => {
    context.tag(`stock:${id}`);
    return stockOf(db, id);
  };

  const read = async (isolate: TestIsolate) => {
    const found = await isolate.request().read(item, policy, load);
    await isolate.settle();
    return [found.status, found.value];
  };
  const mutate = async (stock: number, through: boolean, tags: readonly string[] = []) => {
    const written = await writer.layer.writer.mutate<typeof products.$inferSelect>(
      {
        statements: [db.update(products).set({ stock }).where(eq(products.id, id)).returning()],
        tags: [`stock:${id}`],
        ...(through && {
          through: (row) => ({
            key: item,
            policy,
            value: row.stock,
            tags: [`stock:${id}`, ...tags],
          }),
        }),
      },
      writer.request().ctx,
    );
    await writer.settle();
    return written;
  };
  const purge = (isolate: TestIsolate) =>
    isolate.layer.coherence.invalidate([`k:${item}`], isolate.request().ctx);
  return { db, id, writer, reader, read, mutate, purge, item };
}

describe("write-through", () => {
  it("write-through stores the written value, so that no isolate loads this value", async () => {
    const { writer, reader, read, mutate } = await setup();
    await read(reader);
    await read(writer);
    await mutate(77, true);
    reader.clock.advance(1_001);
    expect(await read(writer)).toEqual(["hit-memory", 77]);
    expect(await read(reader)).toEqual(["hit-redis", 77]);
  });

  it("write-through stores nothing if another invalidation of the same tag reached the invalidation log during the write", async () => {
    const { id, writer, reader, read, mutate } = await setup();
    await read(writer);
    await reader.layer.coherence.invalidate([`t:stock:${id}`], reader.request().ctx);
    await mutate(78, true);
    expect(await read(writer)).toEqual(["miss", 78]);
  });

  // The writer's log view is older than the purge, as if the purge came while the write commits.
  it.each<[string, (item: string) => LogKey]>([
    ["its key", (item) => `k:${item}`],
    ["a prefix of its key", () => "p:stock:"],
    ["the namespace", () => "n:"],
    ["a tag that only the entry has", () => "t:shelf"],
    ["its key, softly", (item) => `~k:${item}`],
    ["a tag that only the entry has, by an unconfirmed write,", () => "?t:shelf"],
  ])("write-through stores nothing if %s was purged during the write", async (_what, logKeyOf) => {
    const { writer, reader, read, mutate, item } = await setup();
    await read(writer);
    await reader.layer.coherence.invalidate([logKeyOf(item)], reader.request().ctx);
    await mutate(80, true, ["shelf"]);
    expect(await read(writer)).toEqual(["miss", 80]);
  });

  it("write-through stores nothing if its key was purged during the write and the number of the purge has been trimmed", async () => {
    const { writer, reader, read, mutate, purge } = await setup();
    await read(writer);
    await purge(reader);
    const { ctx } = reader.request();
    expect((await reader.layer.store.trim(604_800_000, 0, ctx)).ok).toBe(true);
    await mutate(82, true);
    expect(await read(writer)).toEqual(["miss", 82]);
  });

  it("the invalidation of a write is not lost if the write-through function of this write throws", async () => {
    const { db, id, writer, reader, read } = await setup();
    await read(reader);
    const change = writer.layer.writer.mutate(
      {
        statements: [db.update(products).set({ stock: 81 }).where(eq(products.id, id)).returning()],
        tags: [`stock:${id}`],
        through: () => {
          throw new RangeError("no entry");
        },
      },
      writer.request().ctx,
    );
    await expect(change).rejects.toThrow("no entry");
    await writer.settle();
    reader.clock.advance(1_001);
    expect(await read(reader)).toEqual(["miss", 81]);
  });

  it("a purge invalidates an entry that write-through stored", async () => {
    const { writer, reader, read, mutate, purge } = await setup();
    await read(writer);
    await mutate(79, true);
    await purge(reader);
    writer.clock.advance(1_001);
    expect((await read(writer))[0]).toBe("miss");
  });
});

describe("write, then invalidate", () => {
  it("with the strategy `write, then invalidate`, the first reader after the write loads the new value", async () => {
    const { writer, reader, read, mutate } = await setup();
    await read(reader);
    await mutate(80, false);
    reader.clock.advance(1_001);
    expect(await read(reader)).toEqual(["miss", 80]);
    expect((await read(writer))[1]).toBe(80);
  });
});

describe("invalidate, then write", () => {
  it("with the strategy `invalidate, then write`, an old value loaded between the two steps is still served afterwards (a known anomaly)", async () => {
    const { db, id, writer, reader, read, purge } = await setup();
    await purge(writer);
    const [, old] = await read(reader);
    await db.update(products).set({ stock: 81 }).where(eq(products.id, id));
    reader.clock.advance(10_000);
    expect(await read(reader)).toEqual(["hit-memory", old]);
    // A second invalidation corrects it.
    await purge(writer);
    reader.clock.advance(1_001);
    expect(await read(reader)).toEqual(["miss", 81]);
  });
});
