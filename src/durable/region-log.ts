import { DurableObject } from "cloudflare:workers";
import type { LogAnswer } from "../core/log.ts";
import type { Seq } from "../core/seq.ts";
import type { Clock, Millis } from "../core/time.ts";
import { createLogPolls, type LogPolls } from "./log-polls.ts";
import { LogSession, type LogSessionRpc } from "./log-session.ts";

/** The methods that isolates call. */
export interface RegionLogRpc {
  /** Opens a session for questions about the log of this namespace. */
  open(namespace: string): LogSessionRpc;
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

    open(namespace: string): LogSessionRpc {
      this.#polls ??= createLogPolls({
        now,
        sleep,
        askRedis: createAskRedis(this.env, namespace),
      });
      return new LogSession(this.#polls);
    }
  };
}
