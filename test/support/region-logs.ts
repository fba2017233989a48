import type { DeferralRpc, RegionLogRpc } from "../../src/durable/region-log.ts";
import { createLogPolls, type LogPolls } from "../../src/durable/log-polls.ts";
import { createTestStore } from "../redis/stores.ts";
import { createTestContext } from "./context.ts";
import type { TestClock } from "./isolate.ts";

export interface RegionLogsFake {
  /** The binding to hand to test isolates. */
  readonly LOGS: DurableObjectNamespace;
  /** The names of the objects, once for each session. */
  readonly opened: string[];
  /** Ends all objects. Their next calls begin anew. */
  lose(): void;
}

/**
 * Log objects on the clock of a test, over the real Redis protocol. The objects of the platform have
 * a clock of their own, so the ages that they count would not pass with the test's.
 */
export function createRegionLogs(clock: TestClock): RegionLogsFake {
  const objects = new Map<string, LogPolls>();
  const opened: string[] = [];

  function objectOf(name: string, namespace: string): LogPolls {
    const known = objects.get(name);
    if (known !== undefined) return known;
    const store = createTestStore(namespace);
    const ctx = createTestContext({ now: clock.now });
    const polls = createLogPolls({
      now: clock.now,
      sleep: clock.sleep,
      async askRedis(since, limit) {
        const answer = await store.sync(since, limit, ctx);
        return answer.ok ? answer.value : undefined;
      },
    });
    objects.set(name, polls);
    return polls;
  }

  const namespace = {
    idFromName: (name: string) => name,
    get: (name: string): RegionLogRpc & DeferralRpc => ({
      open(logNamespace) {
        opened.push(name);
        return objectOf(name, logNamespace);
      },
      deferred: (logNamespace) => objectOf(name, logNamespace).deferred(),
      async defer(logNamespace, logKeys) {
        objectOf(name, logNamespace).defer(logKeys);
      },
    }),
  };
  return {
    LOGS: namespace as unknown as DurableObjectNamespace,
    opened,
    lose: () => objects.clear(),
  };
}
