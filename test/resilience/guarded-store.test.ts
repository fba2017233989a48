import { MAX_CHANGES } from "../../src/core/log.ts";
import { describe, expect, it, vi } from "vitest";
import { failed } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { withBreaker } from "../../src/resilience/store-breaker.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";

const METHODS = [
  "read",
  "verify",
  "sync",
  "establish",
  "write",
  "delete",
  "erase",
  "invalidate",
  "numbers",
  "trim",
] as const;

/** The engine times the waits for these, since several requests may wait for one of them. */
const SHARED = new Set(["verify", "sync", "establish"]);

type AnyMethod = (...args: readonly unknown[]) => Promise<Result<unknown>>;

/** A store whose methods all give the same answer and record their calls. */
function storeOf(answer: () => Result<unknown>) {
  const calls: (readonly unknown[])[] = [];
  const method =
    (name: string): AnyMethod =>
    async (...args) => {
      calls.push([name, ...args]);
      return answer();
    };
  const store = Object.fromEntries(METHODS.map((name) => [name, method(name)]));
  return { store: store as unknown as SharedStore, calls };
}

const call = (store: SharedStore, name: string, ...args: readonly unknown[]) =>
  (store as unknown as Record<string, AnyMethod>)[name]!(...args);
const argsOf = (name: string, ctx: Context): unknown[] =>
  ["read", "verify"].includes(name) ? ["first", 1, ctx] : ["first", ctx];

describe("withBreaker", () => {
  it.each(METHODS)(
    "withBreaker() passes a call of %s to the store, returns the result unchanged and reports the duration",
    async (name) => {
      const answer = { ok: true as const, value: Symbol("value") };
      const { store, calls } = storeOf(() => answer);
      let time = 0;
      const ctx = createTestContext({ now: () => (time += 5) });
      const args = argsOf(name, ctx);
      expect(await call(withBreaker(store, createTestBreaker()), name, ...args)).toBe(answer);
      expect(calls).toEqual([[name, ...args]]);
      const [event] = ctx.events;
      expect(ctx.events).toHaveLength(SHARED.has(name) ? 0 : 1);
      if (SHARED.has(name)) return;
      expect(event).toMatchObject({ type: "step.end", outcome: "ok" });
      expect(event?.type === "step.end" && event.ms).toBeGreaterThan(0);
    },
  );

  it.each(METHODS)(
    "while the breaker is open, withBreaker() answers a call of %s with the error code `redis.open` and does not call the store",
    async (name) => {
      const { store, calls } = storeOf(() => failed("redis.timeout", "no"));
      const ctx = createTestContext({ now: () => 0 });
      const guarded = withBreaker(store, createTestBreaker());
      await guarded.sync(1, MAX_CHANGES, ctx);
      await guarded.write([], ctx);
      calls.length = 0;
      expect(await call(guarded, name, ...argsOf(name, ctx))).toMatchObject({
        ok: false,
        fault: { code: "redis.open" },
      });
      expect(calls).toEqual([]);
      if (!SHARED.has(name))
        expect(ctx.events.at(-1)).toMatchObject({ type: "step.end", outcome: "redis.open" });
    },
  );

  it.each<[string, () => Result<unknown>]>([
    ["without an answer", () => failed("redis.timeout", "no")],
    ["that take longer than a slow call", () => ({ ok: true, value: undefined })],
  ])("50 parts of an erasure %s leave the breaker of readers closed", async (_, answer) => {
    const { store, calls } = storeOf(answer);
    let time = 0;
    const now = (): number => (time += 600);
    const breaker = createTestBreaker({ now, slowRate: 0.5, minCalls: 10 });
    const guarded = withBreaker(store, breaker);
    for (let i = 0; i < 50; i++) await call(guarded, "erase", createTestContext());
    expect(calls).toHaveLength(50);
    expect(breaker.status()).toMatchObject({ state: "closed", calls: 0 });
  });

  it("a part of an erasure is no probe of a breaker whose open time is over: the breaker sends its own, and refuses the part", async () => {
    let time = 0;
    const { store, calls } = storeOf(() => failed("redis.timeout", "no"));
    const probe = vi.fn<() => Promise<Result<unknown>>>(async () => ({
      ok: true,
      value: undefined,
    }));
    const breaker = createTestBreaker({ now: () => time, probe });
    const guarded = withBreaker(store, breaker);
    const ctx = createTestContext({ now: () => time });
    for (let i = 0; i < 2; i++) await guarded.write([], ctx);
    calls.length = 0;
    time += 1_500;
    expect(await call(guarded, "erase", ctx)).toMatchObject({ fault: { code: "redis.open" } });
    await ctx.settle();
    expect(calls).toEqual([]);
    expect(probe).toHaveBeenCalledOnce();
    expect(breaker.status().state).toBe("closed");
  });
});
