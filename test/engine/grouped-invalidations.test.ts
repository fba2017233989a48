import { describe, expect, it } from "vitest";
import { done, failed, type FaultCode } from "../../src/core/faults.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { MAX_GROUP_KEYS, type GroupNumber } from "../../src/core/log-groups.ts";
import type { Result } from "../../src/core/result.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { withGroups } from "../../src/engine/grouped-invalidations.ts";
import { withGroupsBreaker } from "../../src/resilience/groups-breaker.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";

const ERA = "e";

/** One isolate over a log that gives the numbers 101, 102, … and over a log object of the test. */
async function createIsolate(answerOf: () => Promise<Result<GroupNumber>>) {
  let seq = 100;
  let now = 1_000_000;
  const ctx = createTestContext({ now: () => now });
  const scripts: (readonly LogKey[])[] = [];
  const calls: (readonly LogKey[])[] = [];
  const answerAt = () => ({
    ...{ sentAt: now, era: ERA, seq, floor: 0, since: 0, truncated: false, changes: [] },
  });
  const store: Pick<SharedStore, "sync" | "invalidate"> = {
    sync: () => Promise.resolve(done(answerAt())),
    invalidate(logKeys) {
      scripts.push(logKeys);
      return Promise.resolve(done({ seq: ++seq, era: ERA, previous: 7 }));
    },
  };
  const coherence = createCoherence({
    store: store as SharedStore,
    timeoutMs: 1_000,
    withTimeout: (work) => work,
  });
  await coherence.ensureCurrent(ctx.now(), 0, ctx);
  const breaker = createTestBreaker({
    name: "log",
    dependency: "log",
    failures: 3,
    now: () => now,
  });
  const groups = withGroupsBreaker(
    {
      invalidate(logKeys) {
        calls.push(logKeys);
        return answerOf();
      },
    },
    breaker,
  );
  return {
    invalidator: withGroups(coherence, groups),
    ctx,
    /** The log keys of each script that this isolate ran itself. */
    scripts,
    /** The log keys of each call of the log object. */
    calls,
    advance: (ms: number) => void (now += ms),
  };
}

const grouped = () => Promise.resolve(done({ seq: 500, era: ERA }));
const away = (code: FaultCode) => () => Promise.resolve(failed(code, "away"));

describe("invalidations through a group", () => {
  it("an invalidation that a group confirms needs no script of its own isolate, and is in the log view of the isolate at once", async () => {
    const { invalidator, ctx, scripts, calls } = await createIsolate(grouped);
    const entry = { invalidationKeys: ["t:a" as const], asOf: 100, era: ERA };
    expect(invalidator.verdictOf(entry)).toBe("valid");
    expect(await invalidator.invalidate(["t:a"], ctx)).toMatchObject({ ok: true });
    expect(calls).toEqual([["t:a"]]);
    expect(scripts).toEqual([]);
    expect(invalidator.verdictOf(entry)).toBe("invalidated");
    expect(invalidator.verdictOf({ ...entry, asOf: 500 })).toBe("valid");
  });

  it("the answer of a group has its own number as `previous`, so that no written value is stored with the number of a group", async () => {
    const { invalidator, ctx } = await createIsolate(grouped);
    expect(await invalidator.invalidate(["t:a"], ctx)).toEqual(
      done({ seq: 500, era: ERA, previous: 500 }),
    );
  });

  it("an invalidation that watches log keys goes to Redis itself and never through a group, because two written values must not share a number", async () => {
    const { invalidator, ctx, scripts, calls } = await createIsolate(grouped);
    const answer = await invalidator.invalidate(["t:a"], ctx, ["k:item:1"]);
    expect(answer).toEqual(done({ seq: 101, era: ERA, previous: 7 }));
    expect(scripts).toEqual([["t:a"]]);
    expect(calls).toEqual([]);
  });

  it("an invalidation of more than 2,000 log keys goes to Redis itself", async () => {
    const { invalidator, ctx, scripts, calls } = await createIsolate(grouped);
    const many = Array.from({ length: MAX_GROUP_KEYS + 1 }, (_, at) => `t:${at}` as const);
    await invalidator.invalidate(many, ctx);
    expect(scripts).toHaveLength(1);
    expect(calls).toEqual([]);
  });

  it.each<FaultCode>(["log.timeout", "log.unavailable", "log.rejected"])(
    "if the group has the fault %s, the isolate runs the script itself, returns its number, and reports the fault",
    async (code) => {
      const { invalidator, ctx, scripts } = await createIsolate(away(code));
      const answer = await invalidator.invalidate(["t:a"], ctx);
      expect(answer).toMatchObject({ ok: true, value: { seq: 101 } });
      expect(scripts).toEqual([["t:a"]]);
      expect(ctx.events).toContainEqual({
        type: "fault.raise",
        fault: { code, message: "away" },
      });
    },
  );

  it("after three calls without an answer, the log object is not called for the time of the breaker, and then once", async () => {
    const { invalidator, ctx, scripts, calls, advance } = await createIsolate(away("log.timeout"));
    for (let i = 0; i < 10; i++) await invalidator.invalidate(["t:a"], ctx);
    expect(calls).toHaveLength(3);
    expect(scripts).toHaveLength(10);
    advance(1_001);
    for (let i = 0; i < 10; i++) await invalidator.invalidate(["t:a"], ctx);
    expect(calls).toHaveLength(4);
    expect(scripts).toHaveLength(20);
  });

  it("a log object that is full is called again for each invalidation, because it works", async () => {
    const { invalidator, ctx, calls } = await createIsolate(away("log.rejected"));
    for (let i = 0; i < 10; i++) await invalidator.invalidate(["t:a"], ctx);
    expect(calls).toHaveLength(10);
  });
});
