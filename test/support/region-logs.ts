import type { RegionLogRpc } from "../../src/durable/region-log.ts";
import { createLogPolls, type LogPolls } from "../../src/durable/log-polls.ts";
import { createTestStore } from "../redis/stores.ts";
import { createTestContext } from "./context.ts";
import type { TestClock } from "./isolate.ts";

export interface RegionLogsFake {
  /** The binding to hand to test isolates. */
  readonly LOGS: DurableObjectNamespace;
  /** The names of the objects that were asked, once for each question. */
  readonly asked: string[];
}

/**
 * Log objects on the clock of a test, over the real Redis protocol. The objects of the platform have
 * a clock of their own, so the ages that they count would not pass with the test's.
 */
export function createRegionLogs(clock: TestClock): RegionLogsFake {
  const objects = new Map<string, LogPolls>();
  const asked: string[] = [];

  function objectOf(name: string, namespace: string): LogPolls {
    const known = objects.get(name);
    if (known !== undefined) return known;
    const store = createTestStore(namespace);
    const ctx = createTestContext({ now: clock.now });
    const polls = createLogPolls({
      now: clock.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
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
    get: (name: string): RegionLogRpc => ({
      ask(logNamespace, since) {
        asked.push(name);
        return objectOf(name, logNamespace).ask(since);
      },
    }),
  };
  return { LOGS: namespace as unknown as DurableObjectNamespace, asked };
}
