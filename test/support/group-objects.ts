import type { LogKey } from "../../src/core/invalidation-key.ts";
import { createGroupCommit, type GroupCommit } from "../../src/durable/log-groups.ts";
import type { GroupCommitRpc } from "../../src/durable/region-log.ts";
import { createTestStore } from "../redis/stores.ts";
import { createTestContext } from "./context.ts";

export interface GroupObjectsFake {
  /** The binding to hand to test isolates. */
  readonly LOGS: DurableObjectNamespace;
  /** The log keys of each call, with the name of the object before them. */
  readonly calls: (readonly string[])[];
  /** Ends the 50 ms that the invalidations wait for. */
  endTick(): void;
}

/**
 * Log objects whose time is moved by the test, over the real Redis protocol. The invalidations that
 * come after the first one wait until `endTick`, however busy the machine is.
 */
export function createGroupObjects(): GroupObjectsFake {
  const objects = new Map<string, GroupCommit>();
  const calls: (readonly string[])[] = [];
  const ctx = createTestContext();
  let wake: (() => void)[] = [];

  function objectOf(name: string, namespace: string): GroupCommit {
    const known = objects.get(name);
    if (known !== undefined) return known;
    const store = createTestStore(namespace);
    const commit = createGroupCommit({
      now: () => 0,
      sleep: () => new Promise((resolve) => wake.push(resolve)),
      async invalidate(logKeys) {
        const answer = await store.invalidate(logKeys, [], ctx);
        return answer.ok ? answer.value : undefined;
      },
    });
    objects.set(name, commit);
    return commit;
  }

  const binding = {
    idFromName: (name: string) => name,
    get: (name: string): GroupCommitRpc => ({
      invalidate(namespace: string, logKeys: readonly LogKey[]) {
        calls.push([name, ...logKeys]);
        return objectOf(name, namespace).invalidate(logKeys);
      },
    }),
  };
  return {
    LOGS: binding as unknown as DurableObjectNamespace,
    calls,
    endTick() {
      for (const resolve of wake) resolve();
      wake = [];
    },
  };
}
