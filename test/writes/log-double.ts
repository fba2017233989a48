/** An invalidation log that a test can read, lose and break. */
import type { TakeWriteSlot } from "../../src/writes/write-slot.ts";
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { failed } from "../../src/core/faults.ts";
import type { Context } from "../../src/core/context.ts";
import type { Invalidator } from "../../src/core/invalidator.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";

export interface LogDouble extends Invalidator {
  /** The calls, in order: `mark t:a,t:b`, `invalidate t:a,t:b`. */
  readonly calls: string[];
  readonly scores: Map<string, number>;
  /** While true, the log cannot be reached. */
  isAway: boolean;
}

export function createLogDouble(): LogDouble {
  const away = failed("redis.unavailable", "away");
  const log: LogDouble = {
    calls: [],
    scores: new Map(),
    isAway: false,
    markInvalidated(logKeys) {
      log.calls.push(`mark ${listOf(logKeys)}`);
      return { logKeys, seen: 0, answeredAt: undefined };
    },
    unmark: ({ logKeys }) => void log.calls.push(`unmark ${listOf(logKeys)}`),
    invalidate: async (logKeys) => {
      log.calls.push(`invalidate ${listOf(logKeys)}`);
      if (log.isAway) return away;
      const seq = nextNumber();
      for (const logKey of logKeys) log.scores.set(logKey, seq);
      return { ok: true, value: { seq, era: "era", previous: 0 } };
    },
    numbers: async (logKeys) =>
      log.isAway ? away : { ok: true, value: logKeys.map((logKey) => log.scores.get(logKey) ?? 0) },
  };
  return log;
}

function listOf(logKeys: readonly LogKey[]): string {
  return logKeys.toSorted().join(",");
}

/** Near real numbers: microseconds since the epoch. */
let last = 1_790_000_000_000_000;
function nextNumber(): number {
  return ++last;
}

export interface TestRequest {
  readonly ctx: Context;
  readonly events: CacheEvent[];
  /** Waits until all deferred work has ended, and the work that it deferred. */
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

/** Gives every write a slot. */
export const freeSlot: TakeWriteSlot = async () => () => undefined;
