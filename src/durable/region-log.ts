import { DurableObject } from "cloudflare:workers";
import type { LogAnswer } from "../core/log.ts";
import type { DeferredKeys } from "../core/log-deferrals.ts";
import type { GroupAnswer, GroupNumber } from "../core/log-groups.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import type { Seq } from "../core/seq.ts";
import type { Clock, Millis } from "../core/time.ts";
import { createGroupCommit, type GroupCommit } from "./log-groups.ts";
import { createLogPolls, type LogPolls } from "./log-polls.ts";
import { LogSession, type LogSessionRpc } from "./log-session.ts";
import type { ObjectClass } from "./object-class.ts";

/** The method of an object that asks Redis for a region. */
export interface RegionLogRpc {
  /** Opens a session for questions about the log of this namespace. */
  open(namespace: string): LogSessionRpc;
  /** Returns the deferred invalidations of this namespace. */
  deferred(namespace: string): Promise<DeferredKeys>;
}

/** The method by which an object that asks Redis for a region learns of deferred invalidations. */
export interface DeferralRpc {
  defer(namespace: string, logKeys: readonly LogKey[]): Promise<void>;
}

/** The method of an object that numbers invalidations together. */
export interface GroupCommitRpc {
  /** Invalidates the log keys in a group with those of other calls. */
  invalidate(namespace: string, logKeys: readonly LogKey[]): Promise<GroupAnswer>;
}

export interface RegionLogOptions<Env> {
  readonly now: Clock;
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Creates the function that asks Redis. It returns undefined if Redis gives no answer. */
  readonly createAskRedis: (
    env: Env,
    namespace: string,
  ) => (since: Seq, limit: number) => Promise<LogAnswer | undefined>;
  /** Creates the function that runs the invalidation script. It returns undefined if Redis does not confirm it. */
  readonly createInvalidate: (
    env: Env,
    namespace: string,
  ) => (logKeys: readonly LogKey[]) => Promise<GroupNumber | undefined>;
}

/**
 * The Durable Object that asks Redis for the changes of the log, for all data centres of a region.
 * Another object of the class numbers the invalidations of a region, or of all, in groups. An object stores
 * nothing on disk: if it is lost, its next question begins anew, and writers whose invalidation it
 * held run the script themselves.
 */
export function createRegionLog<Env>(
  options: RegionLogOptions<Env>,
): ObjectClass<Env, RegionLogRpc & GroupCommitRpc & DeferralRpc> {
  const { now, sleep, createAskRedis, createInvalidate } = options;
  return class RegionLog
    extends DurableObject<Env>
    implements RegionLogRpc, GroupCommitRpc, DeferralRpc
  {
    #polls: LogPolls | undefined;
    #groups: { readonly namespace: string; readonly commit: GroupCommit } | undefined;

    open(namespace: string): LogSessionRpc {
      return new LogSession(this.#pollsOf(namespace));
    }

    deferred(namespace: string): Promise<DeferredKeys> {
      return this.#pollsOf(namespace).deferred();
    }

    async defer(namespace: string, logKeys: readonly LogKey[]): Promise<void> {
      this.#pollsOf(namespace).defer(logKeys);
    }

    #pollsOf(namespace: string): LogPolls {
      this.#polls ??= createLogPolls({
        now,
        sleep,
        askRedis: createAskRedis(this.env, namespace),
      });
      return this.#polls;
    }

    async invalidate(namespace: string, logKeys: readonly LogKey[]): Promise<GroupAnswer> {
      this.#groups ??= {
        namespace,
        commit: createGroupCommit({
          now,
          sleep,
          invalidate: createInvalidate(this.env, namespace),
        }),
      };
      // A number of another namespace's log would confirm an invalidation that never happened.
      if (this.#groups.namespace !== namespace) return "refused";
      return this.#groups.commit.invalidate(logKeys);
    }
  };
}
