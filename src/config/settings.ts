/** The settings of the layer, as config/read-settings.ts makes them of the options. */
import type { HeaderFamilies } from "../core/header-families.ts";
import type { Millis } from "../core/time.ts";
import type { Eviction } from "../tiers/eviction/choice.ts";

/** `StrataOptions` with every member set. A duration is in milliseconds and its name ends in `Ms`. */
export interface Settings {
  /** The tier in the isolate's heap. */
  readonly memory: {
    /** The maximum number of bytes of all entries together. */
    readonly maxBytes: number;
    /** The maximum number of entries. */
    readonly maxEntries: number;
    /** The maximum number of bytes of one entry. */
    readonly maxEntryBytes: number;
    /** The order in which a full tier removes entries: docs/memory-tier.md. */
    readonly eviction: Eviction;
  };
  /** The tier in the Workers Cache API. */
  readonly edge: {
    /** Time limit of one call of the Cache API, in milliseconds. */
    readonly timeoutMs: Millis;
    /** The maximum number of characters of one encoded entry. */
    readonly maxEntryChars: number;
  };
  /** The shared store: entries and the invalidation log. */
  readonly redis: {
    /** Time limit of one request to Redis, in milliseconds. */
    readonly timeoutMs: Millis;
    /** The maximum number of characters of one stored entry. */
    readonly maxEntryChars: number;
    /** Entries of this many characters or more are compressed. */
    readonly packFromChars: number;
    /** The treatment of an entry over `maxEntryChars`: Redis does not store it, or stores it in up to 16 parts of at most `maxEntryChars`. */
    readonly oversize: "refuse" | "split";
  };
  /** Settings for calls of the origin. */
  readonly origin: {
    /** The maximum number of loads and writes of one isolate that may call the origin at the same time. */
    readonly slots: number;
    /** The longest time that the first load of a request, a refresh or a write waits for a slot, in milliseconds. */
    readonly slotWaitMs: Millis;
    /** The maximum number of loads and writes of all isolates that may call the origin at the same time, beside `freeSlots` of each isolate. */
    readonly totalSlots: number;
    /** The slots that each isolate has beside its part of `totalSlots`. */
    readonly freeSlots: number;
    /** Time limit of one SQL query, in milliseconds. */
    readonly sqlTimeoutMs: Millis;
  };
  /** The requests of `passThrough` to its origin. */
  readonly proxy: {
    /** The maximum number of requests of one isolate that may wait at the same time for one origin to send the header section of its response. */
    readonly slots: number;
    /** The longest time that a request waits for a slot, in milliseconds. */
    readonly slotWaitMs: Millis;
    /** The maximum number of bytes of all bodies that one isolate collects or has not delivered yet. */
    readonly maxBytesInFlight: number;
  };
  /** The Durable Objects that coalesce loads between isolates. */
  readonly flights: {
    /** The number of flight objects for each region. */
    readonly shards: number;
    /** Time limit for a flight object to grant a lease, or to answer that another lookup has it, in milliseconds. */
    readonly grantTimeoutMs: Millis;
    /** A lookup tells a flight object how long it waits for a result, in milliseconds. */
    readonly slackMs: Millis;
  };
  /** The sessions in Redis. */
  readonly sessions: {
    /** A session ends after this time without a use, in milliseconds. */
    readonly idleMs: Millis;
    /** A session ends after this time, however often it is used, in milliseconds. */
    readonly absoluteMs: Millis;
    /** The most sessions of one user. */
    readonly maxPerUser: number;
    /** Time limit of a call of Redis, at most 1 second: a session is not seen longer than this after the answer to its revocation, in milliseconds. */
    readonly timeoutMs: Millis;
  };
  /** The circuit breakers of Redis, of the rate limiter, of sessions, of the flight objects, of SQL, of each HTTP origin and of the model. */
  readonly breaker: {
    /** A breaker of Redis, of the rate limiter, of sessions or of the flight objects opens after this many failures in a row. */
    readonly failures: number;
    /** A breaker of SQL, of an HTTP origin or of the model opens after this many failures in a row. */
    readonly originFailures: number;
    /** Time span of the calls that the two rates are computed from, in milliseconds. */
    readonly windowMs: Millis;
    /** The rates open a breaker from this many calls in the window on. */
    readonly minCalls: number;
    /** The share of failed calls in the window at which a breaker opens. */
    readonly failureRate: number;
    /** The share of slow calls in the window at which the breaker of Redis opens. */
    readonly slowRate: number;
    /** Duration from which on a request to Redis is slow, in milliseconds. */
    readonly slowRedisMs: Millis;
    /** Time that a breaker stays open before it lets one call through as a probe, in milliseconds. */
    readonly openForMs: Millis;
    /** Time that a breaker stays open at most, if `openFor` is not longer, in milliseconds. */
    readonly maxOpenForMs: Millis;
  };
  /** The rate limiter. */
  readonly limits: {
    /** Time limit of one request to Redis for a rate limit, in milliseconds. */
    readonly timeoutMs: Millis;
    /** The maximum number of accounts that one isolate remembers for each algorithm. */
    readonly maxAccounts: number;
  };
  /** The families of fields that responses have. */
  readonly headers: HeaderFamilies;
  /** Settings for the reports and the exports of telemetry. */
  readonly telemetry: {
    /** Time between two reports of an isolate, and between two exports, in milliseconds. */
    readonly flushEveryMs: Millis;
  };
  /** The Durable Objects that add up metrics. */
  readonly metrics: {
    /** The number of metrics objects to which the isolates of a namespace report. */
    readonly shards: number;
    /** Time limit of one call of a metrics object, in milliseconds. */
    readonly timeoutMs: Millis;
  };
  /** The existence filters. */
  readonly existence: {
    /** The share of nonexistent keys that a filter lets through, from 0.0001 to 0.5. */
    readonly falsePositiveRate: number;
    /** The log view may be at most this old when a filter excludes a key, in milliseconds. */
    readonly coherenceMs: Millis;
    /** The cron trigger rebuilds a filter that has reached this age, in milliseconds. */
    readonly rebuildEveryMs: Millis;
    /** A filter that has reached this age is no longer used, in milliseconds. */
    readonly maxAgeMs: Millis;
    /** An isolate asks Redis for a newer filter after this time, in milliseconds. */
    readonly reloadEveryMs: Millis;
  };
  /** The invalidations of committed writes. */
  readonly outbox: {
    /** Time between an invalidation and the check that the log has not lost it, in milliseconds. */
    readonly verifyAfterMs: Millis;
    /** Reads of the origin may lag behind its writes by at most this time, for example with read replicas, in milliseconds. */
    readonly originLagMs: Millis;
    /** Time limit of the call that sets the alarm of the relay, in milliseconds. */
    readonly alarmTimeoutMs: Millis;
  };
  /** The messages in the queue. */
  readonly queue: {
    /** Time limit of one call of the queue, in milliseconds. */
    readonly timeoutMs: Millis;
    /** A message whose effect the database refuses is given up after this many attempts. */
    readonly maxAttempts: number;
    /** The pause after the first attempt, in milliseconds. */
    readonly retryAfterMs: Millis;
  };
  /** The invalidation log. */
  readonly log: {
    /** The log keeps an invalidation for this time, in milliseconds. */
    readonly keepForMs: Millis;
    /** The log keeps an invalidation for `keepFor` and then for this time, in milliseconds. */
    readonly trimSlackMs: Millis;
    /** The maximum number of log keys after a trimming. */
    readonly maxKeys: number;
    /** Whether isolates share their syncs with the log: `auto` if the binding `LOGS` exists, or `off`. */
    readonly shares: "auto" | "off";
    /** Whether an object of the class `RegionLog` numbers the invalidations of several isolates together: those of a region with `region`, those of all regions with `global`. */
    readonly groups: "off" | "region" | "global";
  };
  /** Settings for the answers of a model. */
  readonly answers: {
    /** Time limit until the first piece of an answer, in milliseconds. */
    readonly firstPieceTimeoutMs: Millis;
    /** Time limit of a whole answer, in milliseconds. */
    readonly timeoutMs: Millis;
    /** The maximum number of characters of one answer, with 16 for each piece. */
    readonly maxChars: number;
    /** The calls of the model that one isolate may have begun at the same time. */
    readonly maxCalls: number;
    /** The answers that one isolate may send at the same time. */
    readonly maxStreams: number;
  };
}
