/**
 * Reads and writes values without a loader, for libraries that ask a cache first and tell it the value
 * later, in two calls.
 */
import { contextOf } from "../compose/open-cache.ts";
import { dataPartsOf, type DataParts } from "../compose/data-parts.ts";
import type { Context } from "../core/context.ts";
import type { Entry, LoadResult, LoadStamp } from "../core/entry.ts";
import { CacheUnavailable } from "../core/faults.ts";
import {
  invalidationKeyOf,
  invalidationKeyOfTag,
  logKeysOfEntry,
  logKeysOfPurge,
  SOFT,
  type InvalidationKey,
  type LogKey,
  type PurgeTargets,
} from "../core/invalidation-key.ts";
import type { Policy } from "../core/policy.ts";
import type { Era, Seq } from "../core/seq.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Lifetime, Strata } from "../data/strata.ts";
import type { LoadTask } from "../engine/lookup-request.ts";

/** The log position and the instant before a value was computed. */
export type Since = Omit<LoadStamp, "storedAt">;

export interface Found {
  /** A valid entry. Undefined if no tier has one. */
  readonly entry: Entry | undefined;
  /** Whether the entry is past its fresh lifetime, or was softly invalidated. */
  readonly stale: boolean;
  /** The log position and the start of a value that is computed from now on. */
  readonly since: Since;
}

export interface ValueWrite {
  readonly key: string;
  readonly policy: Policy;
  /** The value as text. */
  readonly body: string;
  readonly tags?: readonly string[];
  /** The fresh lifetime. Default: that of the policy. */
  readonly freshForMs?: Millis | undefined;
}

export interface Values {
  now(): EpochMs;
  /** Looks a key up in the tiers, and loads nothing. */
  find(key: string, policy: Policy): Promise<Found>;
  /**
   * Stores a value that was computed after `since`. An invalidation of the key or of a tag after `since` wins: the
   * value then answers no read.
   */
  put(write: ValueWrite, since: Since): void;
  /**
   * Replaces the value under a key in every isolate. Resolves when the shared store has the value. A later
   * replacement wins over an earlier one, in whatever order they arrive at the store.
   *
   * With `since`, the value was computed after `since`: if a tag, a prefix of the key or everything was invalidated
   * meanwhile, the value is not stored.
   *
   * @throws {CacheUnavailable} if the log did not acknowledge it
   */
  replace(write: ValueWrite, since?: Since): Promise<void>;
  /**
   * Tells whether one of the tags was invalidated after an instant, by the clock of the log: `hard`, `soft` or
   * undefined. Asks the shared store only for what this isolate's log view does not know.
   */
  invalidatedSince(
    tags: readonly string[],
    at: EpochMs,
    policy: Policy,
  ): Promise<"hard" | "soft" | undefined>;
  /** Returns the instant of the last hard or soft invalidation of the tags, by the clock of the log. 0 if there was none. */
  lastInvalidated(tags: readonly string[]): Promise<EpochMs>;
  /** @throws {CacheUnavailable} if the log did not acknowledge the invalidation */
  purge(targets: PurgeTargets): Promise<void>;
  /**
   * Invalidates without an error: for a write that is committed. This isolate does not serve the values any
   * more, and tells the log once it answers again.
   */
  purgeCommitted(targets: PurgeTargets): Promise<void>;
}

/** The numbers of the log are near the microseconds of its clock. */
const MICROS = 1_000;

const softly = (name: InvalidationKey): LogKey => `${SOFT}${name}`;

/** A lookup of this task loads nothing. */
const NOTHING: LoadResult = { storable: false, oneOff: true };
const task: LoadTask = {
  load: async () => NOTHING,
  takesSlot: false,
  flightScopeOf: () => "isolate",
};

function workContext(
  { emit, keepAlive, platform: { now } }: DataParts,
  lifetime?: Lifetime,
): Context {
  return contextOf({ emit, keepAlive, now }, lifetime);
}

export function valuesOf(strata: Strata): Values {
  const parts = () => dataPartsOf(strata);
  const open = (): Context => workContext(parts());

  async function lookUp(key: string, policy: Policy, ctx: Context) {
    try {
      return await parts().engine.lookup(key, policy, task, ctx);
    } catch (error) {
      if (error instanceof CacheUnavailable) return undefined;
      throw error;
    }
  }

  async function invalidate(logKeys: readonly LogKey[], ctx: Context) {
    const done = await parts().invalidate(logKeys, ctx);
    if (!done.ok) throw new CacheUnavailable(done.fault);
    return done.value;
  }

  /** Returns the highest number of log keys. @throws {CacheUnavailable} if the log does not answer */
  async function highest(logKeys: readonly LogKey[], ctx: Context): Promise<Seq> {
    const numbers = await parts().coherence.numbers(logKeys, ctx);
    if (!numbers.ok) throw new CacheUnavailable(numbers.fault);
    return Math.max(0, ...numbers.value);
  }

  /** Whether something other than the key itself has invalidated a value since it was begun. */
  async function isOutdated(
    { key, tags = [] }: ValueWrite,
    since: Since,
    era: Era,
    ctx: Context,
  ): Promise<boolean> {
    if (since.era !== era) return true;
    const logKeys = logKeysOfEntry(key, tags.map(invalidationKeyOfTag));
    const others = logKeys.filter((logKey) => invalidationKeyOf(logKey) !== `k:${key}`);
    return (await highest(others, ctx)) > since.asOf;
  }

  function store(write: ValueWrite, since: Since, ctx: Context): void {
    const { key, policy, body, tags = [], freshForMs } = write;
    const result = {
      storable: true,
      kind: "value",
      body,
      etag: "",
      invalidationKeys: tags.map(invalidationKeyOfTag),
      ...(freshForMs !== undefined && { freshForMs }),
    } as const;
    parts().admit?.(key);
    parts().engine.put(key, policy, result, { ...since, storedAt: ctx.now() }, ctx);
  }

  return {
    now: () => parts().platform.now(),

    async find(key, policy) {
      const ctx = open();
      const lookup = await lookUp(key, policy, ctx);
      // After the lookup, which has brought the log view up to date, and before the value is computed.
      const since = { ...parts().engine.logPosition(), startedAt: ctx.now() };
      return { entry: lookup?.entry, stale: lookup?.status === "stale", since };
    },

    put: (write, since) => store(write, since, open()),

    async replace(write, since) {
      const work: Promise<unknown>[] = [];
      const ctx = workContext(parts(), { waitUntil: (one) => void work.push(one) });
      const startedAt = ctx.now();
      // The number of the invalidation dates the value: older values are invalid, and this one is not.
      const { seq, era } = await invalidate(logKeysOfPurge({ keys: [write.key] }), ctx);
      if (since === undefined || !(await isOutdated(write, since, era, ctx)))
        store(write, { asOf: seq, era, startedAt: since?.startedAt ?? startedAt }, ctx);
      await Promise.all(work);
    },

    async invalidatedSince(tags, at, policy) {
      const ctx = open();
      const { coherence } = parts();
      await coherence.ensureCurrent(ctx.now(), policy.coherenceMs, ctx);
      const { era } = coherence.logPosition();
      const invalidationKeys = tags.map(invalidationKeyOfTag);
      const asOf = at * MICROS;
      const verdict = coherence.verdictOf({ invalidationKeys, asOf, era });
      if (verdict === "valid") return undefined;
      if (verdict === "soft") return "soft";
      if (verdict !== "unknown") return "hard";
      if ((await highest(invalidationKeys, ctx)) > asOf) return "hard";
      return (await highest(invalidationKeys.map(softly), ctx)) > asOf ? "soft" : undefined;
    },

    async lastInvalidated(tags) {
      const logKeys = tags.map(invalidationKeyOfTag);
      return Math.ceil((await highest([...logKeys, ...logKeys.map(softly)], open())) / MICROS);
    },

    async purge(targets) {
      const logKeys = logKeysOfPurge(targets);
      if (logKeys.length > 0) await invalidate(logKeys, open());
    },

    async purgeCommitted(targets) {
      const logKeys = logKeysOfPurge(targets);
      if (logKeys.length > 0) await parts().invalidate(logKeys, open());
    },
  };
}
