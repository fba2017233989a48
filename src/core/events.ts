import type { Fault } from "./faults.ts";
import type { Millis } from "./time.ts";

/** Where a value came from; feeds headers, telemetry and tests alike. */
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
  /** Loaded from the origin by another request that this one waited for. */
  | "joined"
  | "bypass";

/** Everything that happens in the cache. Durations in milliseconds. */
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
      /** Of the body that was stored. */
      readonly bytes?: number;
    }
  | { readonly type: "fault.raise"; readonly fault: Fault }
  | {
      readonly type: "entry.reject";
      readonly key: string;
      readonly tier: "memory" | "edge" | "redis";
      /** `too-big`: not stored there, for its size. */
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
      /** How long ago the newest change was made, by Redis' clock; if there was one. */
      readonly lagMs?: Millis;
    }
  | {
      /** One request to Redis has been answered, or has failed. */
      readonly type: "redis.end";
      /** What it was for: "read", "sync". */
      readonly operation: string;
      /** What was sent: "EVALSHA". */
      readonly command: string;
      /** Commands as Upstash bills them: a script, and what it calls. */
      readonly commands: number;
      readonly ms: Millis;
      readonly outcome: string;
    }
  | {
      /** A Durable Object has answered one call, or has failed to. */
      readonly type: "durable.end";
      /** "FlightShard/join" */
      readonly method: string;
      readonly ms: Millis;
      readonly outcome: string;
      /** The name that its span was given before; "" if nobody watches. */
      readonly spanId: string;
    }
  | {
      readonly type: "invalidation.end";
      /** How many log keys were invalidated. */
      readonly keys: number;
      readonly outcome: "done" | "deferred";
    };

/** The timed steps of a request; one member of Server-Timing each. */
export type Step = "memory" | "edge" | "redis" | "log" | "flight" | "origin" | "sql" | "limit";
