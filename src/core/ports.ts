/** Every interface that crosses rooms. Pure types: nothing here runs. */
import type { Duration } from "./duration.ts";
import type { CacheEvent, LookupStatus } from "./events.ts";
import type { Fault } from "./faults.ts";
import type { LogAnswer } from "./log.ts";
import type { Entry } from "./entry.ts";
import type { Policy, TierName } from "./policy.ts";
import type { Clock, EpochMs, Millis } from "./time.ts";
import type { Member } from "./tag.ts";
import type { Era, Seq } from "./seq.ts";

export type Result<T, F = Fault> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: F };

/** A number in [0, 1). */
export type Random = () => number;
/** A unique, unguessable string: names of eras, leases and flights. */
export type NewId = () => string;

/** What one request carries through every room. */
export interface Context {
  readonly now: Clock;
  /** The host under which the edge tier stores its envelopes. */
  readonly host: string;
  /** Where the request entered the network; scopes a regional flight. */
  readonly region: string;
  /** Keeps work alive after the response; a failure in it never reaches the client. */
  defer(work: Promise<unknown>): void;
  emit(event: CacheEvent): void;
  /** For a call that continues this request elsewhere; undefined where nobody watches. */
  child(): Child | undefined;
}

/** A span that is named before it begins, so that it can be told to whom it calls. */
export interface Child {
  readonly spanId: string;
  readonly carrier: Carrier;
}

/** A near tier: a plain store of entries. A miss is not a fault. */
export interface Tier {
  readonly name: "memory" | "edge";
  readonly reach: "isolate" | "colo";
  get(key: string, ctx: Context): Promise<Result<Entry | undefined>>;
  set(entry: Entry, ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
}

/** The tier in the isolate's heap; the only one that answers without waiting. */
export interface MemoryTier extends Tier {
  peek(key: string): Entry | undefined;
  put(entry: Entry, now: EpochMs): void;
  remove(key: string): void;
  clear(): void;
  stats(): { entries: number; bytes: number; evictions: number };
}

/** An entry of the shared store with the highest numbers of its tags at that instant. */
export interface Verified {
  readonly entry: Entry;
  readonly hard: Seq;
  readonly soft: Seq;
}

/** The answer to an invalidation: its number, and what held before it. */
export interface Invalidation {
  readonly seq: Seq;
  readonly era: Era;
  /** The highest number any of the members had before; 0 for none. */
  readonly previous: Seq;
}

/**
 * The global tier. Entries and the invalidation log answer together, in one
 * request, so that what is read is verified at an instant inside the read.
 * `since` is what the isolate knows of the log; undefined asks for its head alone.
 */
export interface SharedStore {
  read(
    keys: readonly string[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ found: readonly (Verified | undefined)[]; log: LogAnswer }>>;
  /** The highest numbers of the members, and the log, without any entry. */
  verify(
    members: readonly Member[],
    since: Seq | undefined,
    ctx: Context,
  ): Promise<Result<{ hard: Seq; soft: Seq; log: LogAnswer }>>;
  sync(since: Seq | undefined, ctx: Context): Promise<Result<LogAnswer>>;
  /** Asks the primary; creates the era where there is none, renews it where numbers were lost. */
  establish(
    known: { era: Era | undefined; seq: Seq | undefined },
    ctx: Context,
  ): Promise<Result<LogAnswer>>;
  write(entries: readonly Entry[], ctx: Context): Promise<Result<void>>;
  delete(keys: readonly string[], ctx: Context): Promise<Result<void>>;
  /** Safe to repeat. Acknowledged when it resolves with ok. */
  invalidate(members: readonly Member[], ctx: Context): Promise<Result<Invalidation>>;
  /** The number of each member; 0 where it has none. */
  numbers(members: readonly Member[], ctx: Context): Promise<Result<readonly Seq[]>>;
  /** Forgets numbers older than `keepMs` and raises the floor. Returns the floor. */
  trim(keepMs: Millis, ctx: Context): Promise<Result<Seq>>;
}

/** What a leader hands to its followers. */
export type Landing =
  | { readonly kind: "entry"; readonly entry: string }
  /** `passing`: it says nothing of later results. */
  | { readonly kind: "uncacheable"; readonly passing?: true }
  | { readonly kind: "failed"; readonly fault: Fault };

export type JoinAnswer =
  | { readonly role: "leader"; readonly flight: string; readonly lease: string }
  | {
      readonly role: "follower";
      readonly flight: string;
      /** How long before the join the flight began, by the granter's clock. */
      readonly beganAgoMs: Millis;
      readonly landing: Landing;
    }
  /** Nothing has landed in the time that it wanted to wait. */
  | { readonly role: "late" };

/**
 * Names the span that a call belongs to, as W3C Trace Context does: no async context reaches a
 * Durable Object or the consumer of a queue, so it is handed over.
 */
export interface Carrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface JoinRequest {
  readonly key: string;
  /** The caller's span. */
  readonly carrier?: Carrier;
  /** A flight whose result did not hold for this reader; it wants the next one. */
  readonly after?: string;
  /** How long the reader is prepared to wait. */
  readonly waitMs: Millis;
  /** How long a load may take before another takes over. */
  readonly leaseMs: Millis;
}

/** One running and one queued load per key and scope, wherever the readers are. */
export interface FlightPort {
  join(scope: "region" | "global", request: JoinRequest, ctx: Context): Promise<Result<JoinAnswer>>;
  land(
    scope: "region" | "global",
    request: { key: string; lease: string; landing: Landing },
    ctx: Context,
  ): Promise<Result<void>>;
}

/** What a lookup found, and how. */
export interface Lookup {
  readonly key: string;
  readonly status: LookupStatus;
  /** The tier that answered, for hits and stale answers. */
  readonly tier?: TierName;
  /** Undefined only if the load's result may not be stored. */
  readonly entry?: Entry;
  /** The log could not be reached: outside the guarantee, and marked so. */
  readonly unreachable: boolean;
  /** The load's result went to the shared tier. */
  readonly stored: boolean;
  /** The load's result takes the place of what was stored, and stale. */
  readonly renewed?: boolean;
}

export interface DataLookup<T> extends Lookup {
  /** Undefined if the origin says that there is nothing. */
  readonly value: T | undefined;
}

/** What a loader can say about its result. */
export interface LoadContext extends DataReader {
  /** Ends when the load is given up. */
  readonly signal: AbortSignal;
  /** Adds tags that were found in the result. */
  tag(...tags: readonly string[]): void;
  /** The result's own fresh lifetime, instead of the policy's. */
  freshFor(duration: Duration): void;
  /** The value that is being replaced, and its entity tag, if one is held. */
  readonly held: { readonly value: unknown; readonly etag: string } | undefined;
  /** Says that `held` is still right; what the load returns is then ignored. */
  notModified(): void;
  /** The result is for this caller alone. */
  noStore(): void;
}

export type Load<T> = (load: LoadContext) => Promise<T | null | undefined>;
/** Loads all missing keys at once; keys that it leaves out do not exist. */
export type LoadMany<T> = (
  keys: readonly string[],
  load: LoadManyContext,
) => Promise<ReadonlyMap<string, T>>;

/** What a loader of many can say; `tag` and `freshFor` hold for all of them. */
export interface LoadManyContext extends Omit<LoadContext, "held" | "notModified"> {
  /** Adds tags to one of the keys. */
  tagKey(key: string, ...tags: readonly string[]): void;
}

/** Reads of data, bound to one request. Values are JSON; each caller gets its own copy. */
export interface DataReader {
  /** @throws {CacheUnavailable} if no tier has a value and the origin fails. */
  read<T>(key: string, policy: Policy, load: Load<T>): Promise<DataLookup<T>>;
  /** One request to Redis and one call of `load` for all keys that no tier has. */
  readMany<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
  ): Promise<ReadonlyMap<string, DataLookup<T>>>;
  /**
   * Loads what Redis does not hold, in rounds of 200 keys, and reports each round. A
   * failed round does not stop the others.
   *
   * @throws {DefinitionError} if a key is none.
   */
  warm<T>(
    keys: readonly string[],
    policy: Policy,
    load: LoadMany<T>,
    options?: { readonly concurrency?: number },
  ): AsyncIterable<WarmProgress>;
}

/** What became of one key. `absent` is stored too: that there is nothing is worth knowing. */
export type Warmed = "loaded" | "present" | "absent" | "unstorable" | "failed";

/** One round's results, and how far the whole has come. */
export interface WarmProgress {
  readonly done: number;
  readonly total: number;
  readonly results: ReadonlyMap<string, Warmed>;
  readonly fault?: Fault;
}

/**
 * Wakes the relay of the outbox at a time. The outbox is what is kept: a call that is lost
 * costs a wait for the cron trigger.
 */
export interface RelayAlarm {
  /** Rejects if the alarm may not be set. */
  wake(inMs: Millis): Promise<void>;
}

/** The engine as writers see it. */
export interface Invalidator {
  /** Makes what the members name invalid in this isolate at once. */
  markDead(members: readonly Member[]): void;
  /** Acknowledged, for every reader anywhere, when it resolves with ok. Safe to repeat. */
  invalidate(members: readonly Member[], ctx: Context): Promise<Result<Invalidation>>;
  /** The log's number of each member; 0 where it has none. */
  numbers(members: readonly Member[], ctx: Context): Promise<Result<readonly Seq[]>>;
}
