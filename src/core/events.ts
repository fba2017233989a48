import type { Fault } from "./faults.ts";
import type { Millis } from "./time.ts";

/** The source of a value. Response headers, telemetry and tests use the same words. */
export type LookupStatus =
  | "hit-memory"
  | "hit-edge"
  | "hit-redis"
  /** Served past its fresh lifetime while a refresh runs. */
  | "stale"
  /** Served past its fresh lifetime because the origin failed. */
  | "stale-on-error"
  /** Loaded from the origin by this request. */
  | "miss"
  /** Loaded from the origin by another request, for which this one waited. */
  | "joined"
  /** Loaded from the origin, and not stored. */
  | "bypass";

/** The events of the cache; `ctx.emit` reports them. Durations are in milliseconds. */
export type CacheEvent =
  | {
      readonly type: "lookup.end";
      readonly key: string;
      readonly status: LookupStatus;
      readonly negative: boolean;
      readonly unreachable: boolean;
    }
  | {
      readonly type: "step.end";
      readonly step: Step;
      readonly ms: Millis;
      readonly outcome: string;
    }
  | {
      readonly type: "load.end";
      readonly key: string;
      readonly ms: Millis;
      readonly outcome: "stored" | "uncacheable" | "failed";
      /** The size of the body that was stored. */
      readonly bytes?: number;
    }
  | { readonly type: "fault.raise"; readonly fault: Fault }
  | {
      readonly type: "entry.reject";
      readonly key: string;
      readonly tier: "memory" | "edge" | "redis";
      /**
       * - `invalidated`, `era`, `floor`: the log makes it invalid (core/log.ts)
       * - `corrupt`: it could not be decoded
       * - `unverified`: the log was asked and did not confirm it
       * - `unfit`: the policy's schema rejected it
       * - `too-big`: the tier does not store entries of this size
       */
      readonly reason:
        | "invalidated"
        | "era"
        | "floor"
        | "corrupt"
        | "unverified"
        | "unfit"
        | "too-big";
    }
  | { readonly type: "refresh.start"; readonly key: string }
  | {
      readonly type: "log.apply";
      readonly outcome: string;
      readonly changes: number;
      /** How long ago the newest change was made, by Redis' clock. Undefined without a change. */
      readonly lagMs?: Millis;
    }
  | {
      /** One request to Redis has ended. */
      readonly type: "redis.end";
      /** The method of the shared store, such as "read" or "sync". */
      readonly operation: string;
      /** The Redis command, such as "EVALSHA". */
      readonly command: string;
      /** Commands as Upstash bills them: one for a script and one for each command that it calls. */
      readonly commands: number;
      readonly ms: Millis;
      readonly outcome: string;
    }
  | {
      /** One call of a Durable Object has ended. */
      readonly type: "durable.end";
      /** Such as "FlightShard/join". */
      readonly method: string;
      readonly ms: Millis;
      readonly outcome: string;
      /** The id that was given to its span before the call; "" without telemetry. */
      readonly spanId: string;
    }
  | {
      readonly type: "invalidation.end";
      /** How many log keys were invalidated. */
      readonly logKeys: number;
      readonly outcome: "done" | "deferred";
    };

/** The timed steps of a request. Each is one metric in `Server-Timing`. */
export type Step = "memory" | "edge" | "redis" | "log" | "flight" | "origin" | "sql" | "limit";
