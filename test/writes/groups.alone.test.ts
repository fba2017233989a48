/** Writers of many isolates whose invalidations are numbered together, over the real Redis protocol. */
import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { products } from "../../src/api/schema.ts";
import { definePolicy, key, type StrataOptions } from "../../src/index.ts";
import type { Invalidator } from "../../src/core/invalidator.ts";
import { createLogGroupsPort } from "../../src/durable/log-groups-port.ts";
import { regionLogStub } from "../../src/durable/stubs.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { withGroups } from "../../src/engine/grouped-invalidations.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { insertLogKeys } from "../../src/writes/outbox.ts";
import { createTestStore, valueOf } from "../redis/stores.ts";
import { createTestContext } from "../support/context.ts";
import { countRedis } from "../support/gateway.ts";
import { createGroupObjects } from "../support/group-objects.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";
import { newCategories, newProduct, outboxRows, testDatabase } from "./database.ts";

const WRITERS = 100;
const TIMEOUT_MS = 10_000;
const db = testDatabase();
type Groups = NonNullable<NonNullable<StrataOptions["log"]>["groups"]>;

/** Invalidators of 100 isolates. Their time limit is long, so that a busy machine ends no wait. */
async function createInvalidators(scope: Groups, regions: number) {
  const namespace = uniqueNamespace();
  const objects = createGroupObjects();
  const contexts = Array.from({ length: WRITERS }, (_, at) =>
    createTestContext({ region: `r${at % regions}` }),
  );
  // The first script of a log has one command more, which makes the era.
  await createTestStore(namespace).establish({ era: undefined, seq: 0 }, contexts[0]!);
  const invalidators = contexts.map((): Invalidator => {
    const store = createTestStore(namespace);
    const coherence = createCoherence({ store, timeoutMs: TIMEOUT_MS, withTimeout });
    if (scope === "off") return coherence;
    const port = createLogGroupsPort({
      stub: (name, region) => regionLogStub(objects.LOGS, name, region),
      namespace,
      scope,
      timeoutMs: TIMEOUT_MS,
      withTimeout,
    });
    return withGroups(coherence, port);
  });
  /** Invalidates one tag in each isolate, all at once. */
  const purgeAll = () =>
    Promise.all(
      invalidators.map((invalidator, at) => invalidator.invalidate([`t:tag-${at}`], contexts[at]!)),
    );
  return {
    objects,
    purgeAll,
    numbersOf: () => invalidators[0]!.numbers(tagsOf(WRITERS), contexts[0]!),
  };
}

function createWriters(count: number) {
  const namespace = uniqueNamespace();
  const objects = createGroupObjects();
  const isolates = Array.from({ length: count }, (_, at) =>
    createTestIsolate({
      namespace,
      host: `h${at}`,
      bindings: { LOGS: objects.LOGS },
      options: { log: { groups: "global", shares: "off" }, outbox: { verifyAfter: 0 } },
    }),
  );
  /** Purges one tag in each isolate, all at once. */
  const purgeAll = () =>
    Promise.all(
      isolates.map((isolate, at) =>
        isolate.layer.writer.purge({ tags: [`tag-${at}`] }, isolate.request().ctx),
      ),
    );
  return { namespace, objects, isolates, purgeAll };
}

/** Waits until a number of calls have reached the log objects. */
async function callsReach(objects: { readonly calls: readonly unknown[] }, count: number) {
  while (objects.calls.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

const tagsOf = (count: number) => Array.from({ length: count }, (_, at) => `t:tag-${at}` as const);

async function numbersOf(isolate: TestIsolate, count: number): Promise<readonly number[]> {
  return valueOf(await isolate.layer.coherence.numbers(tagsOf(count), isolate.request().ctx));
}

describe("Redis commands for the invalidations of 100 isolates at once", () => {
  it("without groups, 100 invalidations of 100 isolates cost 100 scripts with 500 commands", async () => {
    const { purgeAll } = await createInvalidators("off", 1);
    expect(await countRedis(purgeAll)).toEqual({ requests: WRITERS, commands: 5 * WRITERS });
  });

  it.each<[Exclude<Groups, "off">, number, number]>([
    ["global", 2, 2],
    ["region", 2, 4],
  ])(
    "with log.groups %s, 100 invalidations of 100 isolates in %i regions cost %i scripts of 5 commands each, and each is in the log when it is confirmed",
    async (scope, regions, scripts) => {
      const { objects, purgeAll, numbersOf: ask } = await createInvalidators(scope, regions);
      let seqs: readonly number[] = [];
      const counted = await countRedis(async () => {
        const purging = purgeAll();
        await callsReach(objects, WRITERS);
        objects.endTick();
        seqs = (await purging).map((answer) => valueOf(answer).seq);
      });
      expect(counted).toEqual({ requests: scripts, commands: 5 * scripts });
      expect(new Set(seqs).size).toBe(scripts);
      expect(valueOf(await ask())).toEqual(seqs);
    },
  );
});

describe("writers whose invalidations are numbered together", () => {
  it("if the log object does not answer, a purge is done by the script of the writer itself, and the log has its number", async () => {
    const { objects, isolates, purgeAll } = createWriters(2);
    // The second purge waits for the tick, which never ends.
    const purging = purgeAll();
    await callsReach(objects, 2);
    expect(await purging).toEqual(["done", "done"]);
    expect((await numbersOf(isolates[0]!, 2)).filter((number) => number === 0)).toEqual([]);
    expect(isolates.flatMap(({ events }) => events)).toContainEqual(
      expect.objectContaining({
        type: "fault.raise",
        fault: expect.objectContaining({ code: "log.timeout" }),
      }),
    );
  });

  it("the row of the outbox gets the number of the group, so that the relay finds it in the log and deletes it", async () => {
    const { objects, namespace, isolates, purgeAll } = createWriters(2);
    const purging = purgeAll();
    await callsReach(objects, 2);
    objects.endTick();
    await purging;
    await Promise.all(isolates.map((isolate) => isolate.settle()));
    const rows = (await outboxRows(db)).filter((row) => row.namespace === namespace);
    expect(rows).toHaveLength(2);
    for (const isolate of isolates) {
      const report = await isolate.layer.writer.relay(isolate.request().ctx);
      expect(report).toMatchObject({ lost: 0 });
    }
    expect((await outboxRows(db)).filter((row) => row.namespace === namespace)).toEqual([]);
  });

  it("the relay invalidates by its own script and does not call the log object", async () => {
    const { objects, namespace, isolates } = createWriters(1);
    const [isolate] = isolates;
    await insertLogKeys(db, { namespace, lagMs: 0 }, tagsOf(1));
    const report = await isolate!.layer.writer.relay(isolate!.request().ctx);
    expect(report).toMatchObject({ invalidated: 1 });
    expect(objects.calls).toEqual([]);
    expect((await numbersOf(isolate!, 1))[0]).toBeGreaterThan(0);
  });

  it("two write-throughs of one row at once get numbers of their own and do not call the log object, so that a reader sees the value of the later one", async () => {
    const { objects, isolates } = createWriters(3);
    const [category = 0] = await newCategories(db, 1);
    const id = await newProduct(db, category);
    const item = key("stock", id);
    const policy = definePolicy({ freshFor: "1h", flight: "isolate" });
    const [first, second, reader] = isolates;
    const write = (isolate: TestIsolate, stock: number) =>
      isolate.layer.writer.mutate<typeof products.$inferSelect>(
        {
          statements: [db.update(products).set({ stock }).where(eq(products.id, id)).returning()],
          tags: [`stock:${id}`],
          through: (row) => ({ key: item, policy, value: row.stock, tags: [`stock:${id}`] }),
        },
        isolate.request().ctx,
      );
    await Promise.all([write(first!, 7), write(second!, 8)]);
    await Promise.all(isolates.map((isolate) => isolate.settle()));
    expect(objects.calls).toEqual([]);
    const [row] = await db.select().from(products).where(eq(products.id, id));
    const found = await reader!.request().read(item, policy, async (context) => {
      context.tag(`stock:${id}`);
      return row?.stock;
    });
    expect(found.value).toBe(row?.stock);
  });
});
