import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failed } from "../../src/core/faults.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { insertLogKeys } from "../../src/writes/outbox.ts";
import { outbox } from "../../src/writes/schema.ts";
import { createWriter } from "../../src/writes/writer.ts";
import { outboxRows, testDatabase } from "./database.ts";
import { createLogDouble, createTestRequest, freeSlot } from "./log-double.ts";

const db = testDatabase();
const { ctx } = createTestRequest();
const NAMESPACE = "relay";

beforeEach(async () => {
  await db.delete(outbox);
});

afterEach(async () => {
  await fetch(`${env.SERVICES_URL}/faults`, { method: "DELETE" });
});

function setup(options: { namespace?: string; verifyAfterMs?: number } = {}) {
  const log = createLogDouble();
  const writer = createWriter({
    db,
    invalidator: log,
    namespace: NAMESPACE,
    verifyAfterMs: 0,
    takeSlot: freeSlot,
    ...options,
  });
  return { log, relay: (maxMs?: number) => writer.relay(ctx, maxMs) };
}

/** Inserts a row, as a writer that died between its commit and its invalidation. */
const leave = (...logKeys: LogKey[]) => leaveIn({}, ...logKeys);
const leaveIn = (heading: { namespace?: string; lagMs?: number }, ...logKeys: LogKey[]) =>
  insertLogKeys(db, { namespace: NAMESPACE, lagMs: 0, ...heading }, logKeys);

/** Sets the time at which numbers were recorded back, instead of waiting. */
const age = (ms: number) =>
  db.update(outbox).set({
    invalidatedAt: sql`${outbox.invalidatedAt} - ${ms}::float8 * interval '1 millisecond'`,
  });

describe("the relay", () => {
  it("the outbox relay delivers all open rows to the invalidation log in one call, and its next run deletes them", async () => {
    const { log, relay } = setup();
    await leave("t:a", "t:b");
    await leave("t:b", "t:c", "~t:d");
    expect(await relay()).toEqual({
      handled: 2,
      invalidated: 2,
      lost: 0,
      deleted: 0,
      hasMore: false,
    });
    expect(log.calls).toEqual(["invalidate t:a,t:b,t:c,~t:d"]);
    const rows = await outboxRows(db);
    expect(rows.map((row) => row.number)).toEqual([log.scores.get("t:a"), log.scores.get("t:a")]);

    expect(await relay()).toEqual({
      handled: 2,
      invalidated: 0,
      lost: 0,
      deleted: 2,
      hasMore: false,
    });
    expect(log.calls).toHaveLength(1);
    expect(await outboxRows(db)).toEqual([]);
    expect(await relay()).toEqual({
      handled: 0,
      invalidated: 0,
      lost: 0,
      deleted: 0,
      hasMore: false,
    });
  });

  it("an outbox relay without time for a round claims no row and reports that there are more, and the next relay delivers all rows", async () => {
    const { log, relay } = setup();
    await leave("t:a");
    expect(await relay(0)).toMatchObject({ handled: 0, hasMore: true });
    expect(log.calls).toEqual([]);
    expect(await relay()).toMatchObject({ handled: 1, hasMore: false });
    expect(log.calls).toEqual(["invalidate t:a"]);
  });

  it("the outbox relay invalidates a row again if the invalidation log has lost an invalidation of this row", async () => {
    const { log, relay } = setup();
    await leave("t:a", "t:b");
    await leave("t:c");
    await relay();
    log.scores.delete("t:b");

    expect(await relay()).toEqual({
      handled: 2,
      invalidated: 0,
      lost: 1,
      deleted: 1,
      hasMore: false,
    });
    expect(log.calls.at(-1)).toBe("invalidate t:a,t:b");
    const [row] = await outboxRows(db);
    expect(row?.number).toBe(log.scores.get("t:b"));
    expect(await relay()).toMatchObject({ lost: 0, deleted: 1 });
  });

  it("the outbox relay treats a lower sequence number in the invalidation log as lost, and a higher sequence number as delivered", async () => {
    const { log, relay } = setup();
    await leave("t:older");
    await leave("t:newer");
    await relay();
    log.scores.set("t:older", (log.scores.get("t:older") ?? 0) - 1);
    log.scores.set("t:newer", (log.scores.get("t:newer") ?? 0) + 1);
    expect(await relay()).toMatchObject({ lost: 1, deleted: 1 });
    expect((await outboxRows(db)).map((row) => row.logKeys)).toEqual([["t:older"]]);
  });

  it("the outbox relay verifies a delivered row only after the time in the option `verifyAfterMs`", async () => {
    const { relay } = setup({ verifyAfterMs: 60_000 });
    await leave("t:a");
    await relay();
    expect(await relay()).toMatchObject({ handled: 0 });
    await age(60_001);
    expect(await relay()).toMatchObject({ deleted: 1 });
  });

  it("the outbox relay invalidates a row again when the replication lag of the origin is over", async () => {
    const { log, relay } = setup();
    await leaveIn({ lagMs: 60_000 }, "t:a");
    const report = await relay();
    expect(report).toMatchObject({ invalidated: 1 });
    expect(report.nextInMs).toBeGreaterThan(50_000);
    expect(report.nextInMs).toBeLessThanOrEqual(60_000);
    expect(await relay()).toMatchObject({ handled: 0 });
    await age(60_001);
    const first = log.scores.get("t:a") ?? 0;
    expect(await relay()).toMatchObject({ handled: 1, invalidated: 1, deleted: 0 });
    expect(log.scores.get("t:a")).toBeGreaterThan(first);
    expect(await relay()).toMatchObject({ deleted: 1 });
    expect(await outboxRows(db)).toEqual([]);
  });

  it("the outbox relay deletes no row while Redis is away, and reports the error code `redis.unavailable`", async () => {
    const { log, relay } = setup();
    await leave("t:a");
    log.isAway = true;
    expect(await relay()).toMatchObject({
      handled: 1,
      invalidated: 0,
      fault: { code: "redis.unavailable" },
    });
    log.isAway = false;
    await relay();
    log.isAway = true;
    expect(await relay()).toMatchObject({ deleted: 0, fault: { code: "redis.unavailable" } });
    expect(await outboxRows(db)).toHaveLength(1);
  });

  it("the outbox relay reports the error code `origin.unavailable` while the database is away, and does not throw", async () => {
    const { relay } = setup();
    await fetch(`${env.SERVICES_URL}/faults/sql`, {
      method: "PUT",
      body: JSON.stringify({ errorRate: 1, status: 500 }),
    });
    expect(await relay()).toMatchObject({ handled: 0, fault: { code: "origin.unavailable" } });
  });

  it("three outbox relays that run at the same time together bring every outbox row to the invalidation log and empty the outbox", async () => {
    const { log, relay } = setup();
    const logKeys = Array.from({ length: 40 }, (_, at): LogKey => `t:${at}`);
    for (const logKey of logKeys) await leave(logKey);
    await Promise.all([relay(), relay(), relay()]);
    await Promise.all([relay(), relay(), relay()]);
    expect(await outboxRows(db)).toEqual([]);
    expect([...log.scores.keys()].toSorted()).toEqual(logKeys.toSorted());
  });

  it("three outbox relays that run at the same time together invalidate the log key of each outbox row exactly once", async () => {
    const { log, relay } = setup({ verifyAfterMs: 60_000 });
    const logKeys = Array.from({ length: 40 }, (_, at): LogKey => `t:${at}`);
    for (const logKey of logKeys) await leave(logKey);
    await Promise.all([relay(), relay(), relay()]);
    const invalidated = log.calls.flatMap((call) => call.replace("invalidate ", "").split(","));
    expect(invalidated.toSorted()).toEqual(logKeys.toSorted());
  });

  it("outbox rows that wait for verification do not delay a row that is not yet delivered", async () => {
    const { log, relay } = setup();
    await db.insert(outbox).values(
      Array.from({ length: 1_200 }, (_, at) => ({
        namespace: NAMESPACE,
        logKeys: [`t:${at}`],
        number: 1,
        invalidatedAt: new Date(0),
        settled: true,
      })),
    );
    await leave("t:open");
    log.numbers = async () => failed("redis.unavailable", "away");
    expect(await relay()).toMatchObject({ invalidated: 1, fault: { code: "redis.unavailable" } });
    expect(log.scores.has("t:open")).toBe(true);
  });

  it("after the claim of a stopped outbox relay expires, another outbox relay handles the claimed rows", async () => {
    const { log, relay } = setup();
    await leave("t:a");
    const claim = (ms: number) =>
      db.update(outbox).set({
        claimedUntil: sql`now() + ${ms}::float8 * interval '1 millisecond'`,
      });
    await claim(10_000);
    expect(await relay()).toMatchObject({ handled: 0 });
    await claim(-1);
    expect(await relay()).toMatchObject({ handled: 1, invalidated: 1 });
    expect(log.scores.has("t:a")).toBe(true);
  });

  it("the outbox relay does not delete a row that got another sequence number after the verification", async () => {
    const { log, relay } = setup();
    await leave("t:a");
    await relay();
    const numbers = log.numbers;
    // Between the verification and the delete, another relay gives the row a new number.
    log.numbers = async (asked, context) => {
      const answer = await numbers(asked, context);
      await db.update(outbox).set({ number: sql`${outbox.number} + 1` });
      return answer;
    };
    await relay();
    expect(await outboxRows(db)).toHaveLength(1);
  });

  it("the outbox relay delivers a backlog larger than one batch", async () => {
    const { log, relay } = setup();
    await db.insert(outbox).values(
      Array.from({ length: 1_200 }, (_, at) => ({
        namespace: NAMESPACE,
        logKeys: [`t:${at}`],
      })),
    );
    expect(await relay()).toMatchObject({ invalidated: 1_200 });
    expect(log.scores.size).toBe(1_200);
    await relay();
    expect(await outboxRows(db)).toEqual([]);
  });
});

describe("the relays of two namespaces over one database", () => {
  it("an outbox relay handles only the rows of its own namespace", async () => {
    const one = setup({ namespace: "one" });
    const other = setup({ namespace: "other" });
    await leaveIn({ namespace: "one" }, "t:a");
    await leaveIn({ namespace: "other" }, "t:a", "t:b");

    expect(await one.relay()).toMatchObject({ handled: 1, invalidated: 1 });
    expect(await one.relay()).toMatchObject({ handled: 1, deleted: 1 });
    expect(other.log.scores.size).toBe(0);
    expect(await outboxRows(db)).toMatchObject([{ namespace: "other", number: null }]);

    expect(await other.relay()).toMatchObject({ handled: 1, invalidated: 1 });
    expect([...other.log.scores.keys()].toSorted()).toEqual(["t:a", "t:b"]);
    expect(await one.relay()).toMatchObject({ handled: 0 });
    expect(await other.relay()).toMatchObject({ deleted: 1 });
    expect(await outboxRows(db)).toEqual([]);
  });

  it("an outbox relay reports in `nextInMs` when the next row of its own namespace is due", async () => {
    await leaveIn({ namespace: "one", lagMs: 90_000 }, "t:a");
    await leaveIn({ namespace: "other", lagMs: 30_000 }, "t:a");
    const reports = [
      await setup({ namespace: "one" }).relay(),
      await setup({ namespace: "other" }).relay(),
    ];
    expect(reports.map(({ nextInMs = 0 }) => Math.ceil(nextInMs / 30_000))).toEqual([3, 1]);
  });
});
