import type { Context } from "../core/context.ts";
import { toMillis, type Duration } from "../core/duration.ts";
import type { LogPosition } from "../core/entry.ts";
import type { Erasure } from "../core/erasure.ts";
import { etagOf } from "../core/etag.ts";
import { CacheUnavailable, DefinitionError } from "../core/faults.ts";
import {
  isErasure,
  logKeysOfPurge,
  namesOfPurge,
  type AnyTargets,
} from "../core/invalidation-key.ts";
import type { Invalidation } from "../core/invalidator.ts";
import { JSON_SERIALIZER, type Serializer } from "../core/serializer.ts";
import type { Lookup } from "../core/lookup.ts";
import { checkPositive, MAX_LIFETIME_MS, policyOf, type Policy } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import type { EngineParts } from "../engine/create-engine.ts";
import type { Erase } from "../engine/erase.ts";
import type { Invalidate } from "../engine/invalidation-retry.ts";
import { createValueReader } from "../engine/reader.ts";
import type { Warmer } from "../engine/warm.ts";
import { createWriteThrough, logKeysOfThrough } from "../writes/through.ts";
import type { Cache } from "./cache.ts";

export interface OpenParts extends Pick<EngineParts, "engine" | "batch" | "loads" | "stored"> {
  /** Undefined if the store holds no entries. */
  readonly erase?: Erase | undefined;
  readonly warmer: Warmer;
  readonly invalidate: Invalidate;
  /** Called with the key of a value before a program sets it. */
  readonly admit?: (key: string) => void;
  /** Default: JSON. */
  readonly serializer?: Serializer;
}

/** Returns the function that opens the cache of one piece of work. */
export function createOpen(parts: OpenParts): (ctx: Context) => Cache {
  const { engine, stored, invalidate, admit, serializer = JSON_SERIALIZER } = parts;
  const through = createWriteThrough({ engine, etagOf, textOf: serializer.write, admit });
  const readerParts = { ...parts, etagOf, onLookup: () => undefined };
  /** The newest number that the log has given this isolate. */
  let own: LogPosition = { asOf: 0, era: "" };

  /**
   * How far this isolate knows the log. A number of its own was given before now, and all lower ones
   * too, also if the log view has not got them yet.
   */
  function position(): LogPosition {
    const known = engine.logPosition();
    const isNewer = own.era !== "" && (known.era === "" || known.era === own.era);
    return isNewer && own.asOf > known.asOf ? own : known;
  }

  async function invalidateKeys(
    targets: AnyTargets,
    ctx: Context,
    watched?: Parameters<Invalidate>[2],
  ): Promise<Invalidation | undefined> {
    const logKeys = logKeysOfPurge(targets);
    if (logKeys.length === 0) return undefined;
    const done = await invalidate(logKeys, ctx, watched);
    if (!done.ok) throw new CacheUnavailable(done.fault);
    own = { asOf: done.value.seq, era: done.value.era };
    return done.value;
  }

  return (ctx) => {
    const { report, freshnessFor, valued, ...reader } = createValueReader(readerParts, ctx);
    const openedAt = position();

    async function purge(targets: AnyTargets): Promise<Erasure | undefined> {
      if (!isErasure(targets)) {
        await invalidateKeys(targets, ctx);
        return undefined;
      }
      if (parts.erase === undefined)
        throw new DefinitionError("erase", "needs the option `shared`");
      const from = targets.cursor ?? { seq: 0, era: "", ...(await invalidateKeys(targets, ctx)) };
      return parts.erase(namesOfPurge(targets), from, ctx);
    }

    async function invalidateAll(...keys: readonly string[]): Promise<void> {
      await purge({ keys });
    }

    function found<T>(lookup: Lookup | undefined, policy: Policy) {
      if (lookup === undefined) return undefined;
      report(lookup);
      return valued<T>(lookup, policy);
    }

    const cache: Cache = {
      ...reader,
      position,
      purge: purge as Cache["purge"],
      invalidate: invalidateAll,
      delete: invalidateAll,
      async invalidateTags(...tags) {
        await purge({ tags });
      },

      async get(key, given) {
        const policy = policyOf(given);
        return found(await stored.find(key, policy, ctx, freshnessFor(policy)), policy);
      },

      async has(key, policy) {
        return (await cache.get(key, policy))?.entry?.kind === "value";
      },

      peek(key, given) {
        const policy = policyOf(given);
        return found(stored.peek(key, policy, ctx, freshnessFor(policy)), policy);
      },

      async set(key, value, given, { tags = [], asOf = openedAt } = {}) {
        const policy = policyOf(given);
        if (value === null || value === undefined)
          throw new DefinitionError(
            "value",
            `${String(value)} is no value: delete the key instead`,
          );
        serializer.write(value, key);
        const write = { key, policy, value, tags: [...policy.tags, ...tags] };
        const written = await invalidateKeys({ keys: [key] }, ctx, logKeysOfThrough(write));
        if (written === undefined) return false;
        // An isolate that did not know the log stores only what has never been invalidated.
        const before = asOf.era === "" ? { asOf: 0, era: written.era } : asOf;
        return through.put(write, before, written, ctx);
      },

      async touch(key, given, freshFor) {
        const policy = policyOf(given);
        return stored.renew(key, policy, lifetimeOf(policy, freshFor), ctx);
      },
    };
    return cache;
  };
}

function lifetimeOf(policy: Policy, freshFor: Duration | undefined): Millis | undefined {
  if (freshFor === undefined) return undefined;
  const ms = toMillis(freshFor, "freshFor");
  checkPositive("freshFor", ms);
  const stale = Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
  if (ms + stale > MAX_LIFETIME_MS)
    throw new DefinitionError("freshFor", "must be at most 7 days with the stale window");
  return ms;
}
