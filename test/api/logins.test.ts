import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { createLoginRecorder } from "../../src/api/logins.ts";
import { listFrequentUserIds } from "../../src/api/queries.ts";
import { users } from "../../src/api/schema.ts";
import { createTestContext } from "../support/context.ts";
import { createClient } from "./client.ts";
import { createQueuedApi, db } from "./queued.ts";

async function newUser(loginCount = 0): Promise<number> {
  const row = { name: "Ada", city: "Graz", email: crypto.randomUUID(), age: 30, loginCount };
  const [made] = await db.insert(users).values(row).returning({ id: users.id });
  return made?.id ?? 0;
}

async function loginsOf(id: number) {
  const [row] = await db
    .select({ count: users.loginCount, last: users.lastLoginAt })
    .from(users)
    .where(eq(users.id, id));
  return { count: row?.count, last: row?.last?.getTime() };
}

describe("the login recorder", () => {
  it("logins of several users are counted by one batch of the queue, with the instant of the last login of each", async () => {
    const { layer, consume } = createQueuedApi();
    const [first, second] = [await newUser(), await newUser()];
    const began = Date.now() - 10_000;
    let now = began;
    const ctx = createTestContext({ now: () => now });
    const record = createLoginRecorder(layer);
    for (const id of [first, second, first]) {
      now += 1_000;
      record(id, ctx);
    }
    await ctx.settle();
    expect(await loginsOf(first)).toEqual({ count: 0, last: undefined });
    const messages = await consume();
    expect(messages).toHaveLength(3);
    expect(await loginsOf(first)).toEqual({ count: 2, last: began + 3_000 });
    expect(await loginsOf(second)).toEqual({ count: 1, last: began + 2_000 });
  });

  it("a login message that is delivered twice counts once", async () => {
    const { layer, queue, redeliver } = createQueuedApi();
    const id = await newUser();
    const ctx = createTestContext();
    createLoginRecorder(layer)(id, ctx);
    await ctx.settle();
    const bodies = queue.sent.splice(0).map(({ body }) => body);
    await redeliver(bodies);
    await redeliver(bodies);
    expect((await loginsOf(id)).count).toBe(1);
  });

  it("a login of a user that does not exist is left out of its batch, and the other logins count", async () => {
    const { layer, consume } = createQueuedApi();
    const id = await newUser();
    const ctx = createTestContext();
    const record = createLoginRecorder(layer);
    record(2_000_000_000, ctx);
    record(id, ctx);
    await ctx.settle();
    await consume();
    expect((await loginsOf(id)).count).toBe(1);
  });

  it("a login is counted in the background if no queue is bound", async () => {
    const { isolate } = createClient({}, ["QUEUE", "DEAD_LETTERS"]);
    const id = await newUser();
    const ctx = createTestContext({ now: () => 1_790_000_000_000 });
    createLoginRecorder(isolate.layer)(id, ctx);
    await ctx.settle();
    expect(await loginsOf(id)).toEqual({ count: 1, last: 1_790_000_000_000 });
  });

  it("a login that the queue refuses becomes an event and is not counted", async () => {
    const { layer, queue } = createQueuedApi();
    queue.isAway = true;
    const id = await newUser();
    const ctx = createTestContext();
    createLoginRecorder(layer)(id, ctx);
    await ctx.settle();
    expect(ctx.events.map(({ type }) => type)).toContain("fault.raise");
    expect((await loginsOf(id)).count).toBe(0);
  });

  it("the users who log in most are listed first, and users with as many logins by id", async () => {
    const often = await newUser(2_000_000_001);
    const more = await newUser(2_000_000_002);
    const alike = await newUser(2_000_000_001);
    const found = await listFrequentUserIds(db, 3);
    await db.delete(users).where(eq(users.city, "Graz"));
    expect(found).toEqual([more, often, alike]);
  });
});
