/**
 * Implements `cache.read`, `cache.readMany` and `cache.warm` for the values of an application,
 * which are stored as texts.
 */
import { currentAtOf, freshnessOf, type Entry, type LoadResult } from "../core/entry.ts";
import { policyOf, type Policy, type PolicyOptions } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { DataLookup, DataReader, Load, LoadMany } from "../core/data-reader.ts";
import { JSON_SERIALIZER, MARK, type Serializer } from "../core/serializer.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Batch } from "./lookup-many.ts";
import type { BatchLoader } from "./lookup-many.ts";
import type { Engine } from "./engine.ts";
import { createDependencyCollector, type DependencyCollector } from "./dependency-collector.ts";
import type { FreshnessOf, LoadTask } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import type { Warmer } from "./warm.ts";
import { conform, fits } from "./value-schema.ts";

export interface ReaderOptions {
  readonly engine: Engine;
  readonly batch: Batch;
  readonly warmer: Warmer;
  /** Returns the entity tag of a body, in quotes (RFC 9110, section 8.8.3). */
  readonly etagOf: (body: string | Uint8Array) => Promise<string>;
  readonly loads: RunningLoads;
  /** Writes and reads the texts of values. Default: JSON. */
  readonly serializer?: Serializer;
  /** Called with every lookup of the request, except the lookups that its loaders make. */
  readonly onLookup: (lookup: Lookup) => void;
}

/** Creates a reader. `own` is the collector of the load that was given this reader, if a load was. */
export function createReader(
  options: ReaderOptions,
  ctx: Context,
  own?: DependencyCollector,
): DataReader {
  const { read, readMany, warm } = createValueReader(options, ctx, own);
  return { read, readMany, warm };
}

/** A reader with the parts of which `cache` of the data cache makes more. */
export interface ValueReader extends DataReader {
  /** Loads anew, with the readers that ask for the same. */
  refresh<T>(key: string, policy: Policy | PolicyOptions, load: Load<T>): Promise<DataLookup<T>>;
  /** Adds a lookup to the load that made it, and to the load whose reader it used. */
  report(lookup: Lookup): void;
  /**
   * Returns the freshness rule of this policy: an entry that does not match the schema, or that another
   * serializer wrote, is expired.
   */
  freshnessFor(policy: Policy): FreshnessOf;
  /** Adds the value to a lookup. */
  valued<T>(lookup: Lookup, policy: Policy): DataLookup<T>;
}

export function createValueReader(
  options: ReaderOptions,
  ctx: Context,
  own?: DependencyCollector,
): ValueReader {
  const { engine, batch, warmer, etagOf, loads, onLookup, serializer = JSON_SERIALIZER } = options;

  function report(lookup: Lookup): void {
    // Most hits happen while no load runs. They do not pay for the lookup of the async context.
    const running = loads.count === 0 ? undefined : loads.current();
    running?.include(lookup);
    if (own === undefined && running === undefined) onLookup(lookup);
    else if (own !== running) own?.include(lookup);
  }

  function baseContext(collector: DependencyCollector, signal: AbortSignal) {
    const reader = createReader(options, ctx, collector);
    const { tag, noStore, freshFor } = collector;
    return { signal, tag, noStore, freshFor, ...reader };
  }

  async function finish(
    key: string,
    value: unknown,
    collector: DependencyCollector,
    tags: readonly string[] = [],
  ): Promise<LoadResult> {
    const body = value === undefined ? "" : serializer.write(value, key);
    const kind = value === undefined || value === null ? "absent" : "value";
    const etag = kind === "absent" ? "" : await etagOf(body);
    return collector.finish({ kind, body, etag }, tags);
  }

  /** Converts an application's loader of many keys to the engine's type. */
  function batchLoader<T>(
    load: LoadMany<T>,
    onValues: (values: ReadonlyMap<string, T>) => void = () => undefined,
  ): BatchLoader {
    return async (missing, signal) => {
      const collector = createDependencyCollector(engine.positionOf);
      const tags = new Map<string, string[]>();
      const values = await loads.run(collector, () =>
        load(missing, {
          ...baseContext(collector, signal),
          tagKey: (key, ...more) => void tags.set(key, [...(tags.get(key) ?? []), ...more]),
        }),
      );
      onValues(values);
      const results = missing.map(
        async (key) => [key, await finish(key, values.get(key), collector, tags.get(key))] as const,
      );
      return new Map(await Promise.all(results));
    };
  }

  function freshnessFor(policy: Policy): FreshnessOf {
    if (policy.schema === undefined)
      return serializer === JSON_SERIALIZER ? jsonFreshnessOf : freshnessRuleOf(serializer);
    return (entry, now) => {
      if (fits(entry, policy, serializer)) return freshnessOf(entry, now);
      engine.discard(entry, ctx);
      return "expired";
    };
  }

  /** The task of a loader of one key, and the value that it loaded. */
  function taskOf<T>(key: string, policy: Policy, load: Load<T>) {
    // This caller gets the loaded value, also if it may not be stored.
    const result: { loaded: unknown } = { loaded: undefined };

    async function run(signal: AbortSignal, staleEntry: Entry | undefined): Promise<LoadResult> {
      const collector = createDependencyCollector(engine.positionOf);
      const held =
        staleEntry !== undefined && fits(staleEntry, policy, serializer) ? staleEntry : undefined;
      let unchanged = false;
      const loaded = await loads.run(collector, async () =>
        load({
          ...baseContext(collector, signal),
          held: held && { value: valueOf(held, policy, serializer), etag: held.etag },
          notModified: () => {
            unchanged = true;
          },
        }),
      );
      result.loaded = loaded;
      if (!unchanged || held === undefined) return finish(key, loaded, collector);
      collector.carry(held.invalidationKeys);
      return collector.finish({ kind: held.kind, body: held.body, etag: held.etag });
    }

    return { result, run };
  }

  return {
    report,
    freshnessFor,
    valued: <T>(lookup: Lookup, policy: Policy) =>
      withValue<T>(lookup, policy, serializer, undefined),

    warm: (keys, policy, load, warmOptions = {}) =>
      warmer.warm(keys, policyOf(policy), batchLoader(load), warmOptions, ctx),

    async read<T>(key: string, given: Policy | PolicyOptions, load: Load<T>) {
      const policy = policyOf(given);
      const { result, run } = taskOf(key, policy, load);
      const task = { load: run, freshnessOf: freshnessFor(policy) };
      const looked = engine.lookup(key, policy, task, ctx);
      // A hit of memory is no promise, and awaiting a plain value costs a turn of the queue.
      const lookup = looked instanceof Promise ? await looked : looked;
      report(lookup);
      return withValue<T>(lookup, policy, serializer, result.loaded);
    },

    async refresh<T>(key: string, given: Policy | PolicyOptions, load: Load<T>) {
      const policy = policyOf(given);
      const { result, run } = taskOf(key, policy, load);
      const startedAt = ctx.now();
      const freshness = freshnessFor(policy);
      const task: LoadTask = {
        load: run,
        // A load that began before this call does not count as anew.
        freshnessOf: (entry, now) =>
          currentAtOf(entry) >= startedAt ? freshness(entry, now) : "kept",
      };
      const lookup = await engine.refresh(key, policy, task, ctx);
      report(lookup);
      return withValue<T>(lookup, policy, serializer, result.loaded);
    },

    async readMany<T>(keys: readonly string[], given: Policy | PolicyOptions, load: LoadMany<T>) {
      const policy = policyOf(given);
      // A batch can load more than once: also for the keys that other lookups and isolates did not load.
      const loaded = new Map<string, unknown>();
      const collect = (values: ReadonlyMap<string, unknown>): void => {
        for (const [key, value] of values) loaded.set(key, value);
      };
      const found = await batch.lookupMany(
        keys,
        policy,
        batchLoader(load, collect),
        ctx,
        freshnessFor(policy),
      );
      return new Map(
        [...found].map(([key, lookup]) => {
          report(lookup);
          return [key, withValue<T>(lookup, policy, serializer, loaded.get(key))];
        }),
      );
    },
  };
}

/** The rule of `JSON_SERIALIZER`. Every hit of the default serializer runs it, so it stands in this file. */
const jsonFreshnessOf: FreshnessOf = (entry, now) =>
  typeof entry.body === "string" && entry.body.startsWith(MARK)
    ? "expired"
    : freshnessOf(entry, now);

function freshnessRuleOf(serializer: Serializer): FreshnessOf {
  return (entry, now) =>
    entry.kind === "absent" || serializer.owns(String(entry.body))
      ? freshnessOf(entry, now)
      : "expired";
}

function valueOf(entry: Entry, policy: Policy, serializer: Serializer): unknown {
  if (entry.kind === "absent") return undefined;
  const conformed = conform(policy, serializer.read(String(entry.body)));
  return conformed.ok ? conformed.value : undefined;
}

/** Adds the value to the lookup. */
function withValue<T>(
  lookup: Lookup,
  policy: Policy,
  serializer: Serializer,
  loaded: unknown,
): DataLookup<T> {
  return Object.assign(new LazyValue<T>(lookup.entry, policy, serializer, loaded), lookup);
}

/**
 * The value of a lookup. It is parsed when it is read, because a response needs only the stored text.
 * All lookups have one getter: V8 would give each object with a getter of its own a hidden class, which
 * keeps all that the getter sees until the next full collection.
 */
class LazyValue<T> {
  static readonly #descriptor = {
    enumerable: true,
    get(this: LazyValue<unknown>): unknown {
      return this.#read();
    },
  };
  declare readonly value: T | undefined;
  readonly #entry: Entry | undefined;
  readonly #policy: Policy;
  readonly #serializer: Serializer;
  readonly #loaded: unknown;

  constructor(entry: Entry | undefined, policy: Policy, serializer: Serializer, loaded: unknown) {
    this.#entry = entry;
    this.#policy = policy;
    this.#serializer = serializer;
    this.#loaded = loaded;
    Object.defineProperty(this, "value", LazyValue.#descriptor);
  }

  #read(): unknown {
    return this.#entry === undefined
      ? (this.#loaded ?? undefined)
      : valueOf(this.#entry, this.#policy, this.#serializer);
  }
}
