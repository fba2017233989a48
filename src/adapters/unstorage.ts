/** A driver of unstorage: a storage whose values are a cache's. */
import type { Driver } from "unstorage";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import { key } from "../core/key.ts";
import { definePolicy, type PolicyOptions } from "../core/policy.ts";
import type { Strata } from "../data/strata.ts";
import { keyOfItem, prefixOfBase } from "./storage-keys.ts";
import { valuesOf } from "./values.ts";

/** The options of `strataDriver`. */
export interface StrataDriverOptions extends Pick<
  PolicyOptions,
  "coherence" | "tiers" | "onUnreachable" | "unreachableFor"
> {
  /** Separates storages that share a cache: a kind of key. @default "storage" */
  readonly kind?: string;
  /** The lifetime of a value that is set without `ttl`. At most 7 days. @default "1d" */
  readonly freshFor?: Duration;
  /**
   * The behaviour of `getKeys`. A cache cannot list its keys: `throw` says so; `none` returns an empty list, for programs
   * that list the keys of all mounts.
   * @default "throw"
   */
  readonly keys?: "throw" | "none";
}

const MAX_TTL_MS = 7 * 24 * 3_600_000;

/**
 * Makes a driver of unstorage. A value may be gone at any time, because a full tier removes entries. After `setItem`
 * or `removeItem`, other isolates answer with the former value for at most the coherence bound (1 s).
 *
 * @example
 * import { createStorage } from "unstorage";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const storage = createStorage({ driver: strataDriver(strata, { freshFor: "1h" }) });
 * await storage.setItem("user:1", { name: "Ada" }, { ttl: 60 });
 */
export function strataDriver(strata: Strata, options: StrataDriverOptions = {}): Driver {
  const { kind = "storage", freshFor = "1d", keys = "throw", ...rest } = options;
  const policy = definePolicy({ ...rest, freshFor, flight: "isolate", jitter: 0 });
  const values = valuesOf(strata);
  const root = key(kind, "");
  const keyOf = (name: string) => keyOfItem(root, name);
  const read = async (name: string) => (await values.find(await keyOf(name), policy)).entry;

  return {
    name: "strata",
    flags: { ttl: true },
    options,
    getInstance: () => strata as never,
    hasItem: async (name) => (await read(name)) !== undefined,

    async getItem(name) {
      const entry = await read(name);
      return entry === undefined ? null : String(entry.body);
    },

    async setItem(name, body, { ttl } = {}) {
      const freshForMs = ttlOf(ttl);
      await values.replace({ key: await keyOf(name), policy, body, freshForMs });
    },

    removeItem: async (name) => values.purge({ keys: [await keyOf(name)] }),

    async getMeta(name) {
      const entry = await read(name);
      if (entry === undefined) return null;
      const ttl = Math.ceil((entry.freshUntil - entry.storedAt) / 1_000);
      return { mtime: new Date(entry.storedAt), ttl };
    },

    getKeys() {
      if (keys === "none") return [];
      throw new Error('the driver "strata" cannot list keys: a cache does not keep a list of them');
    },

    clear: async (base) => values.purge({ prefixes: [await prefixOfBase(root, base)] }),
  };
}

function ttlOf(ttl: unknown): number | undefined {
  if (ttl === undefined || ttl === null || ttl === 0) return undefined;
  if (typeof ttl !== "number" || !(ttl > 0))
    throw new DefinitionError("ttl", "must be a number of seconds above 0");
  return Math.min(ttl * 1_000, MAX_TTL_MS);
}
