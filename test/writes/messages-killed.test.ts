/** Consumers that are killed, and messages that come twice and in another order. */
import { eq, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { productViews } from "../../src/api/schema.ts";
import { createEffects } from "../../src/api/effects.ts";
import type { Context } from "../../src/core/context.ts";
import type { PendingIds } from "../../src/core/pending.ts";
import type { Strata } from "../../src/index.ts";
import type { Database } from "../../src/origin/neon.ts";
import { createMessages } from "../../src/writes/messages/messages.ts";
import { processedMessages } from "../../src/writes/schema.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { createRandom } from "../simulation/random.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { newCategories, newProduct, testDatabase } from "./database.ts";
import { createLogDouble, createTestRequest, freeSlot } from "./log-double.ts";
import { createQueueDouble, deliveryOf, type TestDelivery } from "./queue-double.ts";

const EVENTS = 10_000;
const PRODUCTS = 8;
/** Of the calls to Postgres, the queue or Redis, this share kills the consumer, half before and half after the call. */
const KILLED = 0.12;
const DUPLICATED = 0.1;

/** The error in the place of a kill. Nothing of the consumer runs after it that has an effect: see `createMortal`. */
class Killed extends Error {}

/** Decides at random at which await of a consumer the platform kills it. */
function createMortal(random: () => number) {
  let isDead = false;
  const kills = { before: 0, after: 0 };
  return {
    kills,
    get isDead() {
      return isDead;
    },
    revive: () => void (isDead = false),
    /** Runs an await of the consumer. After a kill every further one fails before it begins. */
    async step<T>(call: () => Promise<T>): Promise<T> {
      if (isDead) throw new Killed("already killed");
      const fate = random();
      if (fate < KILLED / 2) {
        isDead = true;
        kills.before++;
        throw new Killed("before the call");
      }
      const value = await call();
      if (fate < KILLED) {
        isDead = true;
        kills.after++;
        throw new Killed("after the call");
      }
      return value;
    },
  };
}

type Mortal = ReturnType<typeof createMortal>;

/** A database whose requests may kill their caller. */
function mortalDatabase(db: Database, mortal: Mortal): Database {
  return new Proxy(db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === "batch")
        return async (...args: Parameters<Database["batch"]>) =>
          mortal.step(async () => target.batch(...args));
      if (name === "execute")
        return (query: Parameters<Database["execute"]>[0]) => {
          const statement = target.execute(query);
          // A statement is lazy: it runs when it is awaited, or in a batch without being awaited.
          const run = statement.then.bind(statement);
          // oxlint-disable-next-line unicorn/no-thenable -- drizzle's statements are thenable
          statement.then = async (resolve, reject) =>
            mortal.step(async () => run()).then(resolve, reject);
          return statement;
        };
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

describe("messages whose consumers are killed", () => {
  it("of 10,000 events whose consumers are killed at random awaits, and which are duplicated and reordered, each is applied exactly once", async () => {
    const random = createRandom(20_261_128);
    const mortal = createMortal(random);
    const real = testDatabase();
    const db = mortalDatabase(real, mortal);
    const namespace = uniqueNamespace();
    const [queue, deadLetterQueue] = [createQueueDouble(), createQueueDouble()];
    const request = createTestRequest();
    const ctx: Context = request.ctx;
    const removed: string[] = [];
    const pending: Pick<PendingIds, "remove"> = {
      remove: async (ids) =>
        mortal.step(async () => {
          removed.push(...ids.map(({ id }) => id));
          return { ok: true, value: undefined };
        }),
    };
    const { messages, consume } = createMessages({
      db,
      namespace,
      writer: createWriter({
        db,
        invalidator: createLogDouble(),
        namespace,
        verifyAfterMs: 0,
        takeSlot: freeSlot,
      }),
      newId: () => crypto.randomUUID(),
      queue,
      deadLetterQueue,
      timeoutMs: 1_000,
      onSend: () => undefined,
      limits: { maxAttempts: 3, retryMs: 1, maxRetryMs: 1 },
      keepIdsMs: 86_400_000,
      holdSeconds: 30,
      withTimeout: (work) => work,
    });
    for (const effect of createEffects({
      db,
      jobs: { pending: pending as PendingIds } as Strata["jobs"],
    }))
      messages.define(effect);
    const [category = 0] = await newCategories(real, 1);
    const products = await Promise.all(
      Array.from({ length: PRODUCTS }, () => newProduct(real, category)),
    );
    const expected = new Map(products.map((id) => [id, 0]));
    for (let from = 0; from < EVENTS; from += 100)
      for (let i = from; i < from + 100; i++) {
        const productId = products[Math.floor(random() * PRODUCTS)] ?? 0;
        expected.set(productId, (expected.get(productId) ?? 0) + 1);
        await messages.send({ id: `event-${i}`, kind: "view", payload: { productId } }, ctx);
      }

    // The queue: at least once, in any order.
    let waiting = queue.sent.splice(0).map(({ body }) => deliveryOf(body));
    const count = { deliveries: 0, duplicates: 0 };
    const redeliver = ({ body, attempts }: TestDelivery) => deliveryOf(body, attempts + 1);
    while (waiting.length > 0) {
      const batch = Array.from({ length: Math.min(100, waiting.length) }, () => {
        const at = Math.floor(random() * waiting.length);
        const taken = waiting[at]!;
        waiting[at] = waiting.at(-1)!;
        waiting.pop();
        return taken;
      });
      mortal.revive();
      await consume({ queue: "strata-messages", messages: batch }, ctx);
      count.deliveries += batch.length;
      // What a killed consumer acknowledged did not reach the queue.
      const open = batch.filter(({ settled }) => mortal.isDead || settled !== "ack");
      const duplicates = batch.filter(() => random() < DUPLICATED / 2 && count.duplicates < 2_000);
      count.duplicates += duplicates.length;
      waiting = [...waiting, ...open.map(redeliver), ...duplicates.map(redeliver)];
    }

    const rows = await real
      .select()
      .from(productViews)
      .where(sql`${productViews.productId} = any(${sql.param(products)}::integer[])`);
    expect(new Map(rows.map(({ productId, views }) => [productId, views]))).toEqual(expected);
    const processed = await real
      .select({ id: processedMessages.id })
      .from(processedMessages)
      .where(eq(processedMessages.namespace, namespace));
    expect(processed).toHaveLength(EVENTS);
    expect(new Set(removed).size).toBe(EVENTS);
    expect(deadLetterQueue.sent).toEqual([]);
    // The test has met what it is about.
    expect(mortal.kills.before).toBeGreaterThan(10);
    expect(mortal.kills.after).toBeGreaterThan(10);
    expect(count.duplicates).toBeGreaterThan(500);
    expect(count.deliveries).toBeGreaterThan(EVENTS + count.duplicates);
  }, 120_000);
});
