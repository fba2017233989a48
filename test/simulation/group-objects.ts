/** A model of the log objects that number invalidations together: one for each region. */
import { createContext } from "../../src/core/context.ts";
import { done } from "../../src/core/faults.ts";
import type { Invalidation } from "../../src/core/invalidator.ts";
import type { LogGroups } from "../../src/core/log-groups.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createGroupCommit, type GroupCommit } from "../../src/durable/log-groups.ts";
import { createLogGroupsPort } from "../../src/durable/log-groups-port.ts";
import type { GroupCommitRpc } from "../../src/durable/region-log.ts";
import type { Coherence } from "../../src/engine/coherence.ts";
import { withGroups } from "../../src/engine/grouped-invalidations.ts";
import { withGroupsBreaker } from "../../src/resilience/groups-breaker.ts";
import { createTestBreaker } from "../support/breakers.ts";
import type { PlantedFault } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** The clocks of the log objects are off: only spans may count. */
const OBJECT_SKEW_MS = -2_000;
const TIMEOUT_MS = 500;

export interface GroupModelOptions {
  readonly time: VirtualTime;
  readonly store: SharedStore;
  readonly fault: PlantedFault;
  /** Passes when the objects can be reached. Rejects if they are gone. */
  readonly reachObject: () => Promise<void>;
}

export interface GroupModel {
  /** Returns the coherence of an isolate whose invalidations go through groups. */
  grouped(coherence: Coherence): Coherence;
  /** Loses the state of the objects, as when they move. */
  dropObjects(): void;
}

export function createGroupModel({
  time,
  store,
  fault,
  reachObject,
}: GroupModelOptions): GroupModel {
  const objects = new Map<string, GroupCommit>();
  const now = (): number => time.now() + OBJECT_SKEW_MS;
  const ctx = createContext({
    now,
    host: "object",
    region: "object",
    waitUntil: () => undefined,
    emit: () => undefined,
  });

  function objectOf(name: string): GroupCommit {
    let commit = objects.get(name);
    if (commit === undefined) {
      commit = createGroupCommit({
        now,
        sleep: time.sleep,
        async invalidate(logKeys) {
          const script = store.invalidate(logKeys, [], ctx);
          if (fault === "group-confirmed-early") return { seq: time.now() * 1_000, era: "e" };
          const answer = await script;
          return answer.ok ? answer.value : undefined;
        },
      });
      objects.set(name, commit);
    }
    return commit;
  }

  const stubOf = (name: string): GroupCommitRpc => ({
    async invalidate(_, logKeys) {
      await reachObject();
      const answer = await objectOf(name).invalidate(logKeys);
      await time.sleep(time.random() * 20);
      return answer;
    },
  });

  return {
    dropObjects: () => objects.clear(),
    grouped(coherence) {
      const port = createLogGroupsPort({
        stub: stubOf,
        namespace: "n",
        scope: "region",
        timeoutMs: TIMEOUT_MS,
        withTimeout: time.withTimeout,
      });
      const breaker = createTestBreaker({
        name: "log",
        dependency: "log",
        failures: 3,
        now: time.now,
        random: time.random,
      });
      const groups = withGroupsBreaker(port, breaker);
      return fault === "group-numbers-shared"
        ? withoutOwnNumbers(coherence, groups)
        : withGroups(coherence, groups);
    },
  };
}

/** Sends invalidations that watch log keys through groups too, and returns the `previous` of the group. */
function withoutOwnNumbers(coherence: Coherence, groups: LogGroups): Coherence {
  return {
    ...coherence,
    async invalidate(logKeys, ctx, watched) {
      const grouped = await groups.invalidate(logKeys, ctx);
      if (!grouped.ok) return coherence.invalidate(logKeys, ctx, watched);
      coherence.noteNumbers(logKeys, grouped.value.seq);
      // The model of Redis returns the whole answer of the script.
      return done(grouped.value as Invalidation);
    },
  };
}
