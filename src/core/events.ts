import type { DegradationLevel } from "./degradation-level.ts";
import type { BreakerName, BreakerState } from "./breaker.ts";
import type { Dated } from "./entry.ts";
import type { Fault, FaultCode } from "./faults.ts";
import type { UnstoredReason } from "./key-notes.ts";
import type { ShedReason, SlotPriority } from "./origin-slots.ts";
import type { Policy } from "./policy.ts";
import type { ServiceEvent } from "./service-events.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The source of a value. Response headers, telemetry and tests use the same words. */
export type LookupStatus =
  | "hit-memory"
  | "hit-edge"
  | "hit-redis"
  /** The value was served after its fresh lifetime, while a refresh runs. */
  | "stale"
  /** The value was served after its fresh lifetime, because the origin failed. */
  | "stale-on-error"
  /** No tier had the value: this request loaded it from the origin, or only searched (`cache.get`). */
  | "miss"
  /** Another request loaded the value from the origin, and this request waited for it. */
  | "joined"
  /** The value was loaded from the origin and not stored. */
  | "bypass";

/** The operations on sessions. Metrics use the same words. */
export type SessionOperation = "create" | "read" | "rotate" | "list" | "revoke" | "revoke-all";

/** The events of the cache, which `ctx.emit` reports. Durations are in milliseconds. */
export type CacheEvent =
  | {
      readonly type: "lookup.end";
      readonly key: string;
      readonly status: LookupStatus;
      readonly negative: boolean;
      readonly unreachable: boolean;
      /** The lookup searched the tiers, found nothing, and loads nothing: `cache.get` and its like. */
      readonly searched?: true;
    }
  | {
      readonly type: "step.end";
      readonly step: Step;
      readonly startedAt: EpochMs;
      readonly ms: Millis;
      readonly outcome: string;
    }
  | {
      readonly type: "load.end";
      readonly key: string;
      readonly ms: Millis;
      readonly outcome: "stored" | "uncacheable" | "failed";
      readonly policy: Policy;
      /** The size of the stored body in bytes. */
      readonly bytes?: number;
      /** The end of the fresh lifetime of the entry. */
      readonly freshUntil?: EpochMs;
      /** Whether the entry is negative. */
      readonly negative?: boolean;
      /** Why the result is not stored. */
      readonly why?: UnstoredReason | undefined;
      /** The part of the request that made the result private. */
      readonly part?: string | undefined;
      /** The fault of a load that has failed. */
      readonly fault?: FaultCode;
    }
  | {
      /** An entry that this isolate loaded is not sent to Redis. */
      readonly type: "store.skip";
      readonly key: string;
      /** `invalidated`: during its load. `unreachable`: the log could not be asked. */
      readonly reason: "invalidated" | "unreachable";
    }
  | { readonly type: "fault.raise"; readonly fault: Fault }
  | {
      readonly type: "entry.reject";
      readonly key: string;
      readonly tier: "memory" | "edge" | "redis";
      /**
       * The reason why the entry was rejected.
       *
       * - `invalidated`, `era`, `floor`: the log shows that the entry is invalid (core/log.ts)
       * - `corrupt`: it could not be decoded
       * - `incomplete`: a part of it is not there, could not be read, or had no room beside other entries of the read
       * - `unverified`: the log was asked and did not confirm it
       * - `unfit`: the policy's schema rejected it
       * - `undecryptable`: it is not encrypted, or none of the keys decrypts it
       * - `too-big`: the tier does not store entries of this size
       * - `read-once`: the tier stores the entry only if its key is read again
       */
      readonly reason:
        | "invalidated"
        | "era"
        | "floor"
        | "corrupt"
        | "incomplete"
        | "unverified"
        | "unfit"
        | "undecryptable"
        | "too-big"
        | "read-once";
      /** The entry that the log has rejected, without its value (`rejectionOf`). */
      readonly entry?: Dated;
    }
  | { readonly type: "refresh.start"; readonly key: string }
  | {
      /** A call of the origin got no slot. */
      readonly type: "slot.refuse";
      readonly priority: SlotPriority;
      readonly reason: ShedReason;
    }
  | UnkeyedRead
  | BreakerChange
  | {
      readonly type: "log.apply";
      readonly outcome: string;
      readonly changes: number;
      /**
       * The time since the newest invalidation, by Redis' clock. Undefined if there was no new
       * invalidation.
       */
      readonly lagMs?: Millis;
    }
  | {
      /** A sync got an answer that it could use. Reported only if syncs may use shares. */
      readonly type: "log.sync";
      /** The share of the data centre, the log object of the region, or Redis. */
      readonly from: "share" | "object" | "redis";
    }
  | {
      /** A request to Redis ended, or the several requests of a large write. */
      readonly type: "redis.end";
      /** The method of the shared store, such as "read" or "sync". */
      readonly operation: string;
      /** The Redis command, such as "EVALSHA". */
      readonly command: string;
      /**
       * The number of commands that Upstash bills: one for a script, and one for each command that
       * the script calls.
       */
      readonly commands: number;
      /** Default: 1. */
      readonly requests?: number;
      readonly startedAt: EpochMs;
      readonly ms: Millis;
      readonly outcome: string;
    }
  | {
      /** An operation on sessions ended. */
      readonly type: "session.end";
      readonly operation: SessionOperation;
      /** `ok`, `none` if there was no such session, or the code of a fault. */
      readonly outcome: string;
    }
  | {
      /** A ledger object was full, and deleted accounts, or rows of their logs, before their time. */
      readonly type: "ledger.evict";
      readonly accounts: number;
    }
  | {
      /** One call of a Durable Object ended. */
      readonly type: "durable.end";
      /** The class and the method, such as "FlightShard/join". */
      readonly method: string;
      readonly startedAt: EpochMs;
      readonly ms: Millis;
      readonly outcome: string;
      /** The id of the span, which was chosen before the call. Empty without telemetry. */
      readonly spanId: string;
    }
  | {
      /**
       * The request is for an operator. A request may emit this event several times; a later value
       * of a field replaces an earlier one. Telemetry makes one audit record of the request.
       */
      readonly type: "admin.action";
      /** The name of the token that was accepted. Absent until a token is. */
      readonly actor?: string;
      /** The things that the action is about, each as its kind and its name. */
      readonly targets?: readonly AuditTarget[];
    }
  | {
      /** The level of service of this isolate has changed. */
      readonly type: "level.change";
      readonly at: EpochMs;
      readonly from: DegradationLevel;
      readonly to: DegradationLevel;
      /** The dependencies that do not work, such as "origin down"; "recovered" or "pin" otherwise. */
      readonly cause: string;
    }
  | {
      /** A feature answered at a level that is not normal. */
      readonly type: "feature.degrade";
      readonly feature: string;
      readonly level: DegradationLevel;
    }
  | {
      readonly type: "invalidation.end";
      /** The number of log keys that were invalidated. */
      readonly logKeys: number;
      readonly outcome: "done" | "deferred";
    }
  | {
      /** A run of the relay has ended. */
      readonly type: "relay.end";
      /** The rows of the outbox whose invalidation is still deferred. */
      readonly deferred: number;
    }
  | ServiceEvent;

/** The events of one type. */
export type EventOf<T extends CacheEvent["type"]> = Extract<CacheEvent, { readonly type: T }>;

/** A thing that an admin action is about. Telemetry shows the name only as a hash, like a key. */
export type AuditTarget = readonly [kind: string, name: string];

/** The handler of a cached route read a part of the request that the key of the route does not name. */
export interface UnkeyedRead {
  readonly type: "route.unkeyed";
  /** The pattern of the route. */
  readonly route: string;
  readonly part: RequestPart;
  /** The name of the part, such as the name of a header. Clients do not choose it. */
  readonly name: string;
  /** `hidden`: the handler got nothing. `private`: the response goes to this client alone. */
  readonly outcome: "hidden" | "private";
  /** The place in the program where `cached()` was called. */
  readonly definedAt: string;
}

/** A breaker changed its state. */
export interface BreakerChange {
  readonly type: "breaker.change";
  readonly name: BreakerName;
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** The share of failed calls in the window, from 0 to 1. */
  readonly failureRate: number;
  /** The share of slow calls in the window, from 0 to 1. */
  readonly slowRate: number;
}

/** A kind of data that tells one request from another. */
export type RequestPart =
  | "header"
  | "cf"
  | "variable"
  | "tenant"
  | "param"
  | "path"
  | "validated"
  | "key";

/**
 * A timed step of a request. Each step is one metric in `Server-Timing`. `join` is the wait for the
 * lookup of another reader in this isolate, and `slot` the wait for an origin slot.
 */
export type Step =
  | "memory"
  | "edge"
  | "redis"
  | "log"
  | "join"
  | "flight"
  | "slot"
  | "origin"
  | "sql"
  | "limit";
