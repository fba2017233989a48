import { describe, expect, it } from "vitest";
import type { Context } from "../../src/core/context.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import {
  createRetryingInvalidate,
  type RecoveringInvalidator,
} from "../../src/engine/invalidation-retry.ts";

const ctx = {} as Context;

/** A log that can be unreachable, and records the invalidations that it acknowledged. */
function createLog() {
  const taken: (readonly LogKey[])[] = [];
  const dead: LogKey[] = [];
  const listeners: ((ctx: Context) => Promise<unknown>)[] = [];
  const state = { away: true };
  const invalidator: RecoveringInvalidator = {
    markInvalidated(logKeys) {
      dead.push(...logKeys);
      return { logKeys, seen: 0, answeredAt: undefined };
    },
    unmark: () => undefined,
    invalidate: (members) => {
      if (state.away)
        return Promise.resolve({ ok: false, fault: { code: "redis.timeout", message: "away" } });
      taken.push(members);
      return Promise.resolve({ ok: true, value: { seq: 1, era: "e", previous: 0 } });
    },
    numbers: () => Promise.resolve({ ok: true, value: [] }),
    onRecovery: (listener) => void listeners.push(listener),
  };
  const recover = (): Promise<unknown> => Promise.all(listeners.map((listener) => listener(ctx)));
  return { invalidator, taken, dead, state, recover };
}

describe("an invalidation while the log is unreachable", () => {
  it("an unacknowledged invalidation applies in this isolate and is sent once when the invalidation log is reachable again", async () => {
    const log = createLog();
    const invalidate = createRetryingInvalidate(log.invalidator, "p:origin:");
    expect((await invalidate(["k:a:1"], ctx)).ok).toBe(false);
    expect(log.dead).toEqual(["k:a:1"]);
    await log.recover();
    expect(log.taken).toEqual([]);
    log.state.away = false;
    await log.recover();
    await log.recover();
    expect(log.taken).toEqual([["k:a:1"]]);
  });

  it("the proxy replaces more than 1,000 unacknowledged invalidations with one invalidation of all its entries", async () => {
    const log = createLog();
    const invalidate = createRetryingInvalidate(log.invalidator, "p:origin:");
    for (let i = 0; i <= 1_000; i++) await invalidate([`k:a:${i}`], ctx);
    log.state.away = false;
    await log.recover();
    expect(log.taken).toEqual([["p:origin:"]]);
  });
});
