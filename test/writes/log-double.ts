/** An invalidation log that a test can read, lose and break. */
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { failed } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import type { Invalidator } from "../../src/core/invalidator.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";

export interface LogDouble extends Invalidator {
  /** What happened, in order: `dead t:a,t:b`, `invalidate t:a,t:b`. */
  readonly calls: string[];
  readonly scores: Map<string, number>;
  /** While true, nothing reaches the log. */
  isAway: boolean;
}

export function createLogDouble(): LogDouble {
  const away = failed("redis.unavailable", "away");
  const log: LogDouble = {
    calls: [],
    scores: new Map(),
    isAway: false,
    markInvalidated: (members) => void log.calls.push(`dead ${listOf(members)}`),
    invalidate: async (members) => {
      log.calls.push(`invalidate ${listOf(members)}`);
      if (log.isAway) return away;
      const seq = nextNumber();
      for (const member of members) log.scores.set(member, seq);
      return { ok: true, value: { seq, era: "era", previous: 0 } };
    },
    numbers: async (members) =>
      log.isAway ? away : { ok: true, value: members.map((member) => log.scores.get(member) ?? 0) },
  };
  return log;
}

function listOf(members: readonly LogKey[]): string {
  return members.toSorted().join(",");
}

/** As large as the real ones: microseconds of today. */
let last = 1_790_000_000_000_000;
function nextNumber(): number {
  return ++last;
}

export interface TestRequest {
  readonly ctx: Context;
  readonly events: CacheEvent[];
  /** Waits for everything that was deferred, also by what was deferred. */
  settle(): Promise<void>;
}

export function createTestRequest(): TestRequest {
  const events: CacheEvent[] = [];
  const deferred = new Set<Promise<unknown>>();
  const ctx = createContext({
    now: () => Date.now(),
    host: "strata.test",
    region: "test",
    waitUntil: (work) => {
      deferred.add(work);
      void work.finally(() => deferred.delete(work));
    },
    emit: (event) => events.push(event),
  });
  return {
    ctx,
    events,
    async settle() {
      while (deferred.size > 0) await Promise.all(deferred);
    },
  };
}
