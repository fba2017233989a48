/** `cache.read` and `cache.readMany`: values of a program, kept as JSON. */
import { freshnessOf, type Entry, type LoadResult } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type { Context } from "../core/context.ts";
import type { DataLookup, DataReader, Load, LoadMany } from "../core/data-reader.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Batch } from "./lookup-many.ts";
import type { LoadBatch } from "./load-many.ts";
import type { Engine } from "./lookup.ts";
import { createDependencyCollector, type DependencyCollector } from "./dependency-collector.ts";
import type { FreshnessOf } from "./lookup-request.ts";
import type { Warmer } from "./warm.ts";
import { conform, fits } from "./value-schema.ts";

export interface ReaderOptions {
  readonly engine: Engine;
  readonly batch: Batch;
  readonly warmer: Warmer;
  /** An entity tag of a body, quoted. */
  readonly etagOf: (body: string | Uint8Array) => Promise<string>;
  /** Sees every lookup that the reader makes, its loads' own ones excepted. */
  readonly onLookup: (lookup: Lookup) => void;
}

export function createReader(options: ReaderOptions, ctx: Context): DataReader {
  const { engine, batch, warmer, etagOf, onLookup } = options;

  function commonContext(collector: DependencyCollector, signal: AbortSignal) {
    const inner = createReader({ ...options, onLookup: collector.include }, ctx);
    const { tag, noStore, freshFor } = collector;
    return { signal, tag, noStore, freshFor, ...inner };
  }

  async function finish(
    value: unknown,
    collector: DependencyCollector,
    tags: readonly string[] = [],
  ): Promise<LoadResult> {
    const body = value === undefined || value === null ? "" : JSON.stringify(value);
    const kind = body === "" ? "absent" : "value";
    const etag = kind === "absent" ? "" : await etagOf(body);
    return collector.finish({ kind, body, etag }, tags);
  }

  /** A program's load of many, as the engine runs it. */
  function loadMany<T>(
    load: LoadMany<T>,
    onValues: (values: ReadonlyMap<string, T>) => void = () => undefined,
  ): LoadBatch {
    return async (missing, signal) => {
      const collector = createDependencyCollector();
      const tags = new Map<string, string[]>();
      const values = await load(missing, {
        ...commonContext(collector, signal),
        tagKey: (key, ...more) => void tags.set(key, [...(tags.get(key) ?? []), ...more]),
      });
      onValues(values);
      const made = missing.map(
        async (key) => [key, await finish(values.get(key), collector, tags.get(key))] as const,
      );
      return new Map(await Promise.all(made));
    };
  }

  /** What a tier holds may be of a shape that the program no longer reads. */
  function standingFor(policy: Policy): FreshnessOf {
    if (policy.schema === undefined) return freshnessOf;
    return (entry, now) => {
      if (fits(entry, policy)) return freshnessOf(entry, now);
      engine.discard(entry, ctx);
      return "expired";
    };
  }

  return {
    warm: (keys, policy, load, warming = {}) =>
      warmer.warm(keys, policy, loadMany(load), warming, ctx),

    async read<T>(key: string, policy: Policy, load: Load<T>) {
      // What may not be stored is handed over here, to this caller alone.
      let own: unknown;

      async function run(signal: AbortSignal, old: Entry | undefined): Promise<LoadResult> {
        const collector = createDependencyCollector();
        const held = old !== undefined && fits(old, policy) ? old : undefined;
        let unchanged = false;
        own = await load({
          ...commonContext(collector, signal),
          held: held && { value: valueOf(held, policy), etag: held.etag },
          notModified: () => {
            unchanged = true;
          },
        });
        if (!unchanged || held === undefined) return finish(own, collector);
        collector.carry(held.invalidationKeys);
        return collector.finish({ kind: held.kind, body: held.body, etag: held.etag });
      }

      const task = { load: run, freshnessOf: standingFor(policy) };
      const lookup = await engine.lookup(key, policy, task, ctx);
      onLookup(lookup);
      return withValue<T>(lookup, policy, own);
    },

    async readMany<T>(keys: readonly string[], policy: Policy, load: LoadMany<T>) {
      // One batch may load more than once: a part that others could not give, a refresh.
      const own = new Map<string, unknown>();
      const keep = (values: ReadonlyMap<string, unknown>): void => {
        for (const [key, value] of values) own.set(key, value);
      };
      const standing = standingFor(policy);
      const found = await batch.lookupMany(keys, policy, loadMany(load, keep), ctx, standing);
      return new Map(
        [...found].map(([key, lookup]) => {
          onLookup(lookup);
          return [key, withValue<T>(lookup, policy, own.get(key))];
        }),
      );
    },
  };
}

function valueOf(entry: Entry, policy: Policy): unknown {
  if (entry.kind === "absent") return undefined;
  const conformed = conform(policy, JSON.parse(String(entry.body)));
  return conformed.ok ? conformed.value : undefined;
}

/** Parsed when it is asked for: a response can be made from the stored text as it is. */
function withValue<T>(lookup: Lookup, policy: Policy, own: unknown): DataLookup<T> {
  const { entry } = lookup;
  return {
    ...lookup,
    get value(): T | undefined {
      return (entry === undefined ? (own ?? undefined) : valueOf(entry, policy)) as T | undefined;
    },
  };
}
