import { DurableObject } from "cloudflare:workers";
import type { LogAnswer } from "../core/log.ts";
import type { SharedLog } from "../core/log-share.ts";
import type { Seq } from "../core/seq.ts";
import type { Clock, Millis } from "../core/time.ts";
import { createLogPolls, type LogPolls } from "./log-polls.ts";

/** The methods that isolates call. */
export interface RegionLogRpc {
  /** Returns the changes of the namespace's log from `since` on, or undefined if the object cannot tell. */
  ask(namespace: string, since: Seq): Promise<SharedLog | undefined>;
}

export interface RegionLogOptions<Env> {
  readonly now: Clock;
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Creates the function that asks Redis. It returns undefined if Redis gives no answer. */
  readonly createAskRedis: (
    env: Env,
    namespace: string,
  ) => (since: Seq, limit: number) => Promise<LogAnswer | undefined>;
}

/**
 * The Durable Object that asks Redis for the changes of the log, for all data centres of a region.
 * It stores nothing on disk: if it is lost, its next question to Redis begins anew.
 */
export function createRegionLog<Env>({ now, sleep, createAskRedis }: RegionLogOptions<Env>) {
  return class RegionLog extends DurableObject<Env> implements RegionLogRpc {
    #polls: LogPolls | undefined;

    ask(namespace: string, since: Seq): Promise<SharedLog | undefined> {
      this.#polls ??= createLogPolls({
        now,
        sleep,
        askRedis: createAskRedis(this.env, namespace),
      });
      return this.#polls.ask(since);
    }
  };
}
