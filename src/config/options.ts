/** The options of the layer. config/read-settings.ts checks them and has the defaults. */
import type { Duration } from "../core/duration.ts";
import type { Encryption } from "../core/encryption.ts";
import type { FieldNames } from "../core/header-families.ts";
import type { Eviction } from "../tiers/eviction/choice.ts";

/**
 * The second argument of `createStrata`. Every member is optional. A duration is a number of
 * milliseconds or a text such as `"250ms"`, `"5s"` or `"1h"`. A wrong or unknown member throws a
 * `ConfigError` that lists every wrong member and variable.
 *
 * The Durable Object classes (`FlightShard`, `MetricsShard`, `OutboxAlarm`, `RegionLog`, `SlotGrants`,
 * `AnswerObject`) receive only bindings.
 * They use the defaults of `redis` and `origin`, whatever the Worker sets here. The Worker tells
 * `OutboxAlarm` its `outbox.verifyAfter`.
 *
 * @example
 * const strata = createStrata(env, {
 *   memory: { maxBytes: 16 * 2 ** 20, eviction: "lru" },
 *   redis: { timeout: "500ms" },
 *   breaker: { failures: 5, openFor: "2s" },
 * });
 */
export interface StrataOptions {
  /** The tier in the isolate's heap. */
  readonly memory?: {
    /**
     * The maximum number of bytes of all entries together. An isolate has 128 MiB for everything.
     * @default 33554432 (32 MiB)
     */
    readonly maxBytes?: number;
    /** The maximum number of entries. @default 20000 */
    readonly maxEntries?: number;
    /** The maximum number of bytes of one entry. The tier does not keep larger entries. @default 4194304 (4 MiB) */
    readonly maxEntryBytes?: number;
    /** The order in which a full tier removes entries: docs/memory-tier.md. @default "sieve" */
    readonly eviction?: Eviction;
  };
  /** The tier in the Workers Cache API. */
  readonly edge?: {
    /** Time limit of one call of the Cache API. @default "500ms" */
    readonly timeout?: Duration;
    /**
     * The maximum number of characters of one encoded entry. The tier does not keep larger entries.
     * @default 8388608 (8 Mi)
     */
    readonly maxEntryChars?: number;
  };
  /** The shared store: entries and the invalidation log. */
  readonly redis?: {
    /** Time limit of one request to Redis. @default "1s" */
    readonly timeout?: Duration;
    /**
     * The maximum number of characters of one stored entry. Redis and the flight objects do not
     * receive larger entries. Upstash refuses requests over 10 MB. @default 1048576 (1 Mi)
     */
    readonly maxEntryChars?: number;
    /** Entries of this many characters or more are compressed. @default 16384 */
    readonly packFromChars?: number;
    /**
     * The treatment of an entry over `maxEntryChars`: Redis does not store it, or stores it in up to 16 parts
     * of at most `maxEntryChars`. A read of it sends one more request for every 4 parts. @default "refuse"
     */
    readonly oversize?: "refuse" | "split";
  };
  /**
   * Encrypts entries in the edge, in Redis and in flight objects: `encryption(…)` of `strata/encryption`. Keys, tags
   * and lifetimes stay readable. Sessions, rate limits, recordings of running answers and messages are not entries.
   * @default entries are stored as they are
   */
  readonly encryption?: Encryption;
  /** Settings for calls of the origin. */
  readonly origin?: {
    /**
     * The maximum number of loads and writes of one isolate that may call the origin at the same time. A
     * load that waits for another load does not count. While the origin is slow or fails, fewer may,
     * down to an eighth. @default 64
     */
    readonly slots?: number;
    /**
     * The longest time that the first load of a request, a refresh or a write waits for a slot. After first
     * loads have had to wait for so long without a break, they wait at most 4 % of it. The further loads
     * of a request, and a warm, wait as long as their `originTimeout`. @default "450ms"
     */
    readonly slotWait?: Duration;
    /**
     * The maximum number of loads and writes of all isolates that may call the origin at the same time,
     * beside `freeSlots` of each isolate. 0: no such limit. It needs the binding `SLOTS`. @default 0
     */
    readonly totalSlots?: number;
    /**
     * The slots that each isolate has beside its part of `totalSlots`. With 0, `totalSlots` is never
     * exceeded, and an isolate whose grant has ended waits for a Durable Object before it loads. @default 4
     */
    readonly freeSlots?: number;
    /** Time limit of one SQL query. @default "5s" */
    readonly sqlTimeout?: Duration;
  };
  /** The requests of `passThrough` to its origin. They take no slot of `origin`. */
  readonly proxy?: {
    /**
     * The maximum number of requests of one isolate that may wait at the same time for one origin to
     * send the header section of its response. Requests of one client address have at most half
     * of the slots. @default 128
     */
    readonly slots?: number;
    /** The longest time that a request waits for a slot. Then it gets a 503 response. @default "1s" */
    readonly slotWait?: Duration;
    /**
     * The maximum number of bytes of all bodies that one isolate collects or has not delivered yet.
     * A body that exceeds it passes through and is not stored. @default 16777216 (16 MiB)
     */
    readonly maxBytesInFlight?: number;
  };
  /** The Durable Objects that coalesce loads between isolates. */
  readonly flights?: {
    /**
     * The number of flight objects for each region. Every Worker of a namespace must have the same
     * number, because the number decides which object a key belongs to. @default 16
     */
    readonly shards?: number;
    /**
     * Time limit for a flight object to grant a lease, or to answer that another lookup has it.
     * @default "1s"
     */
    readonly grantTimeout?: Duration;
    /**
     * A lookup tells a flight object how long it waits for a result. The object must answer at most
     * this much later than the end of that wait, and at most `grantTimeout` later. @default "1s"
     */
    readonly slack?: Duration;
  };
  /** The sessions in Redis. */
  readonly sessions?: {
    /** A session ends after this time without a use. @default "1h" */
    readonly idle?: Duration;
    /** A session ends after this time, however often it is used. @default "24h" */
    readonly absolute?: Duration;
    /** The most sessions of one user. A further one ends the oldest. @default 20 */
    readonly maxPerUser?: number;
    /**
     * Time limit of a call of Redis, at most 1 second: a session is not seen longer than this after the answer to
     * its revocation. @default "1s"
     */
    readonly timeout?: Duration;
  };
  /** The circuit breakers of Redis, of the rate limiter, of sessions, of the flight objects, of SQL, of each HTTP origin and of the model. */
  readonly breaker?: {
    /**
     * A breaker of Redis, of the rate limiter, of sessions or of the flight objects opens after this many failures
     * in a row. Slow calls count too for Redis. @default 3
     */
    readonly failures?: number;
    /** A breaker of SQL, of an HTTP origin or of the model opens after this many failures in a row. @default 10 */
    readonly originFailures?: number;
    /** Time span of the calls that the two rates are computed from. @default "10s" */
    readonly window?: Duration;
    /** The rates open a breaker from this many calls in the window on. @default 20 */
    readonly minCalls?: number;
    /** The share of failed calls in the window at which a breaker opens. @default 0.5 */
    readonly failureRate?: number;
    /** The share of slow calls in the window at which the breaker of Redis opens. @default 0.8 */
    readonly slowRate?: number;
    /** Duration from which on a request to Redis is slow. @default "250ms" */
    readonly slowRedis?: Duration;
    /** Time that a breaker stays open before it lets one call through as a probe. @default "1s" */
    readonly openFor?: Duration;
    /**
     * Time that a breaker stays open at most, if `openFor` is not longer. The time doubles with each
     * probe that fails. @default "5s"
     */
    readonly maxOpenFor?: Duration;
  };
  /** The rate limiter. */
  readonly limits?: {
    /** Time limit of one request to Redis for a rate limit. @default "1s" */
    readonly timeout?: Duration;
    /** The maximum number of accounts that one isolate remembers for each algorithm. @default 10000 */
    readonly maxAccounts?: number;
  };
  /** The families of fields that responses have. A client that reads none of a family need not get it. */
  readonly headers?: {
    /**
     * The fields of rate limits: `RateLimit-Policy` and `RateLimit` (`ietf`), `X-RateLimit-*` (`x`), or both.
     * @default "both"
     */
    readonly rateLimit?: FieldNames;
    /** How the cache answered: `Cache-Status` (`ietf`), `X-Cache-Status` (`x`), or both. @default "both" */
    readonly cacheStatus?: FieldNames;
    /** Whether `Server-Timing` and `X-Response-Time` are sent. @default true */
    readonly timing?: boolean;
    /** Whether `traceparent`, which names the trace of the request, is sent. @default true */
    readonly trace?: boolean;
  };
  /** Settings for the reports and the exports of telemetry. */
  readonly telemetry?: {
    /** Time between two reports of an isolate, and between two exports. @default "2s" */
    readonly flushEvery?: Duration;
  };
  /** The Durable Objects that add up metrics. */
  readonly metrics?: {
    /**
     * The number of metrics objects to which the isolates of a namespace report. Every Worker of a
     * namespace must have the same number, because `/metrics` asks all of them. @default 4
     */
    readonly shards?: number;
    /** Time limit of one call of a metrics object. @default "5s" */
    readonly timeout?: Duration;
  };
  /** The existence filters. */
  readonly existence?: {
    /** The share of nonexistent keys that a filter lets through, from 0.0001 to 0.5. @default 0.01 */
    readonly falsePositiveRate?: number;
    /** The log view may be at most this old when a filter excludes a key. @default "1s" */
    readonly coherence?: Duration;
    /** The cron trigger rebuilds a filter that has reached this age. @default "5m" */
    readonly rebuildEvery?: Duration;
    /** A filter that has reached this age is no longer used. @default "1h" */
    readonly maxAge?: Duration;
    /** An isolate asks Redis for a newer filter after this time. @default "1m" */
    readonly reloadEvery?: Duration;
  };
  /** The invalidations of committed writes. */
  readonly outbox?: {
    /**
     * Time between an invalidation and the check that the log has not lost it. A failover to a
     * replica can lose what the replica had not received yet. The time must be longer than the lag
     * of the replicas, so that such a loss has happened before the check. @default "5s"
     */
    readonly verifyAfter?: Duration;
    /**
     * Reads of the origin may lag behind its writes by at most this time, for example with read
     * replicas. Every write is invalidated again after this time. A mutation may set a lag of its
     * own instead.
     * @default 0
     */
    readonly originLag?: Duration;
    /** Time limit of the call that sets the alarm of the relay. @default "5s" */
    readonly alarmTimeout?: Duration;
  };
  /** The messages in the queue. */
  readonly queue?: {
    /** Time limit of one call of the queue. @default "5s" */
    readonly timeout?: Duration;
    /**
     * A message whose effect the database refuses is given up after this many attempts. In an outage
     * of the database no message is given up. At most 100. @default 5
     */
    readonly maxAttempts?: number;
    /** The pause after the first attempt. It doubles with each further attempt, up to 5 minutes. @default "5s" */
    readonly retryAfter?: Duration;
  };
  /** The invalidation log. */
  readonly log?: {
    /**
     * The log keeps an invalidation for this time. It is the longest lifetime of an entry, stale
     * windows included: an entry that is older is loaded again. At most 7 days. @default "7d"
     */
    readonly keepFor?: Duration;
    /**
     * The log keeps an invalidation for `keepFor` and then for this time. A load must not take longer
     * than this time. @default "1h"
     */
    readonly trimSlack?: Duration;
    /**
     * The maximum number of log keys after a trimming. If there are more, the oldest are removed, and
     * entries that are as old as they are loaded again. @default 100000
     */
    readonly maxKeys?: number;
    /**
     * Whether isolates share their syncs with the log: `auto` if the binding `LOGS` exists, or `off`.
     * The coherence bound is the same: docs/consistency.md.
     * @default "auto"
     */
    readonly shares?: "auto" | "off";
    /**
     * Whether an object of the class `RegionLog` numbers the invalidations of several isolates
     * together: those of a region with `region`, those of all regions with `global`. It needs the
     * binding `LOGS`. It saves Redis commands from about 20 invalidations a second for each object
     * on, and costs each invalidation a call of the object and up to 50 ms: docs/operations/cost.md.
     * @default "off"
     */
    readonly groups?: "off" | "region" | "global";
  };
  /** Settings for the answers of a model. */
  readonly answers?: {
    /** Time limit until the first piece of an answer. @default "20s" */
    readonly firstPieceTimeout?: Duration;
    /** Time limit of a whole answer. @default "2m" */
    readonly timeout?: Duration;
    /** The maximum number of characters of one answer, with 16 for each piece: at most 524288. A longer one is cut off. @default 262144 */
    readonly maxChars?: number;
    /** The calls of the model that one isolate may have begun at the same time. @default 64 */
    readonly maxCalls?: number;
    /** The answers that one isolate may send at the same time. @default 1000 */
    readonly maxStreams?: number;
  };
}
