import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import type { Context } from "../../src/core/context.ts";
import type { Clock } from "../../src/core/time.ts";

export interface TestContext extends Context {
  readonly events: readonly CacheEvent[];
  /** Waits until all deferred work has ended. */
  settle(): Promise<void>;
}

export interface TestContextOptions {
  readonly now?: Clock;
  readonly host?: string;
  readonly region?: string;
}

/** A context for tests of one part alone. It records events. */
export function createTestContext(options: TestContextOptions = {}): TestContext {
  const { now = () => Date.now(), host = "strata.test", region = "test" } = options;
  const events: CacheEvent[] = [];
  const deferred = new Set<Promise<unknown>>();
  const ctx = createContext({
    now,
    host,
    region,
    waitUntil: (work) => {
      deferred.add(work);
      void work.finally(() => deferred.delete(work));
    },
    emit: (event) => void events.push(event),
  });
  return {
    ...ctx,
    events,
    async settle() {
      while (deferred.size > 0) await Promise.all(deferred);
    },
  };
}
