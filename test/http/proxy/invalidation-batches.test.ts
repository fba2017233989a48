import { afterEach, describe, expect, it, vi } from "vitest";
import { createContext, type Context } from "../../../src/core/context.ts";
import type { InvalidationKey, LogKey } from "../../../src/core/invalidation-key.ts";
import type { Invalidation } from "../../../src/core/invalidator.ts";
import type { Result } from "../../../src/core/result.ts";
import { createInvalidationBatches } from "../../../src/http/proxy/invalidation-batches.ts";

const DONE: Result<Invalidation> = { ok: true, value: { seq: 1, era: "e", previous: 0 } };
const keyOf = (at: number): InvalidationKey => `k:a:${at}`;
const fifty = Array.from({ length: 50 }, (_, at) => at);

/** Batches before a log that records its calls. */
function createBatches(answer: () => Promise<Result<Invalidation>> = () => Promise.resolve(DONE)) {
  const calls: (readonly LogKey[])[] = [];
  const marked: LogKey[] = [];
  const deferred: Promise<unknown>[] = [];
  const state = { syncs: 0, now: Date.now() };
  const ctx: Context = createContext({
    now: () => state.now,
    host: "a.test",
    region: "r",
    waitUntil: (work) => void deferred.push(work),
    emit: () => undefined,
  });
  const batches = createInvalidationBatches({
    invalidate: (keys) => {
      calls.push(keys);
      return answer();
    },
    mark: (keys) => void marked.push(...keys),
    sync: () => Promise.resolve(state.syncs++),
  });
  async function settle(): Promise<void> {
    for (let at = 0; at < deferred.length; at++) await deferred[at];
  }
  const add = (at: number, client: string) => batches.add([keyOf(at)], client, ctx);
  return { calls, marked, state, add, settle };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("batches of invalidations", () => {
  it("a single invalidation is sent to the invalidation log at once", async () => {
    const { add, calls, settle, state } = createBatches();
    expect(await add(1, "a")).toEqual({ seq: 1, era: "e", previous: 0 });
    await settle();
    expect([calls, state.syncs]).toEqual([[[keyOf(1)]], 1]);
  });

  it("50 simultaneous invalidations by 50 clients cause two calls to the invalidation log", async () => {
    const { add, calls, settle, state } = createBatches();
    await Promise.all(fifty.map((at) => add(at, `client-${at}`)));
    await settle();
    expect(calls).toEqual([[keyOf(0)], fifty.slice(1).map(keyOf)]);
    expect(state.syncs).toBe(2);
  });

  it("only 10 of 50 simultaneous invalidations by one client wait for the invalidation log, which gets all 50 within 2 s", async () => {
    const { add, calls, marked, settle } = createBatches();
    const answers = await Promise.all(fifty.map((at) => add(at, "one")));
    expect(answers.filter((answer) => answer !== undefined).length).toBe(10);
    expect(marked).toEqual(fifty.map(keyOf));
    const startedAt = Date.now();
    await settle();
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    expect(calls.length).toBeLessThanOrEqual(3);
    expect(new Set(calls.flat())).toEqual(new Set(fifty.map(keyOf)));
  });

  it("50 invalidations by one client, one after the other, cause at most 14 calls to the invalidation log, and none is lost", async () => {
    const { add, calls, settle, state } = createBatches();
    for (const at of fifty) {
      await add(at, "one");
      state.now += 60;
    }
    await settle();
    expect(calls.length).toBeLessThanOrEqual(14);
    expect(new Set(calls.flat())).toEqual(new Set(fifty.map(keyOf)));
  });

  it("an invalidation by a second client is sent to the invalidation log in one call with the waiting invalidations of the first client", async () => {
    const { add, calls, state } = createBatches();
    for (let at = 0; at < 12; at++) {
      await add(at, "one");
      state.now += 60;
    }
    expect(calls.flat()).not.toContain(keyOf(11));
    expect(await add(99, "other")).toBeDefined();
    expect(calls.at(-1)).toEqual([keyOf(99), keyOf(10), keyOf(11)]);
  });

  it("10 s after a client has exceeded its limit of invalidations, its next invalidation is acknowledged by the invalidation log", async () => {
    const { add, state } = createBatches();
    for (let at = 0; at < 11; at++) await add(at, "one");
    state.now += 10_001;
    expect(await add(12, "one")).toBeDefined();
  });

  it("50 simultaneous invalidations of one URI by 50 clients cause two calls to the invalidation log, each with one key", async () => {
    const { add, calls, settle } = createBatches();
    await Promise.all(fifty.map((at) => add(7, `client-${at}`)));
    await settle();
    expect(calls).toEqual([[keyOf(7)], [keyOf(7)]]);
  });

  it("a batch with 1,000 keys is sent to the invalidation log at once", async () => {
    const { add, calls } = createBatches();
    await add(0, "first");
    const others = Array.from({ length: 1_000 }, (_, at) => add(at + 1, `client-${at}`));
    const startedAt = Date.now();
    await others.at(-1);
    expect(calls[1]?.length).toBe(1_000);
    expect(Date.now() - startedAt).toBeLessThan(45);
  });

  it("if the invalidation log does not acknowledge a batch of invalidations, every caller that added one to the batch gets `undefined`", async () => {
    const fault = { code: "redis.timeout", message: "away" } as const;
    const { add } = createBatches(() => Promise.resolve({ ok: false, fault }));
    expect(await Promise.all([add(1, "a"), add(2, "b")])).toEqual([undefined, undefined]);
  });

  it("an invalidation whose batch has no answer after 5 s is sent to the invalidation log again", async () => {
    vi.useFakeTimers();
    let calls = 0;
    const lost = Promise.withResolvers<Result<Invalidation>>();
    const batches = createBatches(() => (++calls === 1 ? lost.promise : Promise.resolve(DONE)));
    const adding = batches.add(1, "a");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await adding).toEqual({ seq: 1, era: "e", previous: 0 });
    expect(batches.calls).toEqual([[keyOf(1)], [keyOf(1)]]);
  });
});
