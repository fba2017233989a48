/** `cache.read` and `cache.readMany`: values of a program, kept as JSON. */
import type { Loaded } from "../core/entry.ts";
import type { Policy } from "../core/policy.ts";
import type {
  Context,
  DataLookup,
  DataReader,
  LoadContext,
  LoadMany,
  Lookup,
} from "../core/ports.ts";
import type { Batch } from "./batch.ts";
import type { Engine } from "./cache.ts";
import { createCollector, type Collector } from "./collect.ts";

export interface ReaderOptions {
  readonly engine: Engine;
  readonly batch: Batch;
  /** An entity tag of a body, quoted. */
  readonly etagOf: (body: string | Uint8Array) => Promise<string>;
  /** Sees every lookup that the reader makes, its loads' own ones excepted. */
  readonly onLookup: (lookup: Lookup) => void;
}

export function createReader(options: ReaderOptions, ctx: Context): DataReader {
  const { engine, batch, etagOf, onLookup } = options;

  function contextOf(collector: Collector, signal: AbortSignal): LoadContext {
    const inner = createReader({ ...options, onLookup: collector.include }, ctx);
    return { signal, tag: collector.tag, noStore: collector.noStore, ...inner };
  }

  async function finish(value: unknown, collector: Collector): Promise<Loaded> {
    const body = value === undefined || value === null ? "" : JSON.stringify(value);
    const kind = body === "" ? "absent" : "value";
    return collector.finish({ kind, body, etag: kind === "absent" ? "" : await etagOf(body) });
  }

  return {
    async read(key, policy, load) {
      // What may not be stored is handed over here, to this caller alone.
      let own: unknown;
      const lookup = await engine.lookup(
        key,
        policy,
        {
          load: async (signal) => {
            const collector = createCollector();
            own = await load(contextOf(collector, signal));
            return finish(own, collector);
          },
        },
        ctx,
      );
      onLookup(lookup);
      return withValue(lookup, own);
    },

    async readMany<T>(keys: readonly string[], policy: Policy, load: LoadMany<T>) {
      let own: ReadonlyMap<string, unknown> = new Map();
      const found = await batch.lookupMany(
        keys,
        policy,
        async (missing, signal) => {
          const collector = createCollector();
          const values = await load(missing, contextOf(collector, signal));
          own = values;
          const made = missing.map(
            async (key) => [key, await finish(values.get(key), collector)] as const,
          );
          return new Map(await Promise.all(made));
        },
        ctx,
      );
      return new Map(
        [...found].map(([key, lookup]) => {
          onLookup(lookup);
          return [key, withValue<T>(lookup, own.get(key))];
        }),
      );
    },
  };
}

/** Parsed when it is asked for: a response can be made from the stored text as it is. */
function withValue<T>(lookup: Lookup, own: unknown): DataLookup<T> {
  const { entry } = lookup;
  return {
    ...lookup,
    get value(): T | undefined {
      if (entry === undefined) return (own ?? undefined) as T | undefined;
      return entry.kind === "absent" ? undefined : (JSON.parse(String(entry.body)) as T);
    },
  };
}
