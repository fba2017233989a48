/** The options of the data cache: their meaning, their checks and their defaults. */
import {
  count,
  duration,
  readOptions,
  type OptionRule,
  type OptionTable,
} from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import type { Encryption } from "../core/encryption.ts";
import type { CacheEvent } from "../core/events.ts";
import { DefinitionError } from "../core/faults.ts";
import type { CreateSlots } from "../core/origin-slots.ts";
import type { Serializer } from "../core/serializer.ts";
import type { Admission } from "./admission.ts";
import type { Flights, Shared } from "./shared.ts";
import type { Millis } from "../core/time.ts";
import type { CreateEviction } from "../tiers/eviction/order.ts";
import { createFixedSlots } from "../resilience/fixed-slots.ts";
import { createSieve } from "../tiers/eviction/sieve.ts";

/**
 * The options of `createStrata`. Only `namespace` is required: without the others, values are kept in the
 * isolate's memory and in the Cache API of the data centre. A duration is a number of milliseconds or
 * a text such as `"250ms"`, `"5s"` or `"1h"`.
 */
export interface DataOptions {
  /**
   * The name of the application: 1 to 64 lower-case letters, digits and hyphens. The Workers of a zone
   * share the Cache API, and those with one database share the store: two applications, or two
   * environments of one, with the same name would read each other's values.
   */
  readonly namespace: string;
  /** The tier in the isolate's heap. */
  readonly memory?: {
    /** The maximum number of bytes of all entries together. @default 33554432 (32 MiB) */
    readonly maxBytes?: number;
    /** The maximum number of entries. @default 20000 */
    readonly maxEntries?: number;
    /** The maximum number of bytes of one entry. @default 4194304 (4 MiB) */
    readonly maxEntryBytes?: number;
    /** The order in which a full tier removes entries: one of `strata/eviction`. @default SIEVE */
    readonly eviction?: CreateEviction;
  };
  /**
   * The tier in the Workers Cache API. It works on a custom domain; on workers.dev the Cache API stores
   * nothing, and the tier then answers nothing.
   */
  readonly edge?: {
    /** Time limit of one call of the Cache API. @default "500ms" */
    readonly timeout?: Duration;
    /** The maximum number of characters of one encoded entry. @default 8388608 (8 Mi) */
    readonly maxEntryChars?: number;
  };
  /**
   * The store that all isolates share: `redis(…)` of `strata/redis` or `durable(…)` of `strata/durable`.
   * With it, an invalidation reaches every isolate of every data centre. Without it, an invalidation
   * reaches the isolates of one data centre (on workers.dev: of one isolate), and every data centre
   * loads its values itself.
   * @default no shared store
   */
  readonly shared?: Shared;
  /** The Durable Objects that make several isolates share one load. @default each isolate loads for itself */
  readonly flights?: Flights;
  /** Settings for loads. */
  readonly origin?: {
    /** The maximum number of loads of one isolate that run at the same time. @default 64 */
    readonly slots?: number;
    /** The longest time that a load waits for a slot. @default "450ms" */
    readonly slotWait?: Duration;
    /**
     * Gives the loads their slots: `overload` of `strata/overload` adapts their number to the origin, and
     * refuses loads that would wait in vain.
     * @default always all slots, in the order of arrival
     */
    readonly overload?: CreateSlots;
  };
  /**
   * Decides which entries the tiers behind memory store: `secondRead()` of `strata/admission` stores those
   * that are read again.
   * @default every entry
   */
  readonly admission?: Admission;
  /**
   * Turns values into stored texts: `richSerializer` of `strata/serializer`, or another one. The text of
   * another serializer is a miss.
   * @default JSON
   */
  readonly serializer?: Serializer;
  /**
   * Encrypts entries outside the isolate's memory: `encryption(…)` of `strata/encryption`. Keys, tags and
   * lifetimes stay readable.
   * @default entries are stored as they are
   */
  readonly encryption?: Encryption;
  /** Called with each event of the cache, for logs and metrics. It must not throw. @default no call */
  readonly onEvent?: (event: CacheEvent) => void;
}

/** The groups of numbers and durations among the options. */
type Groups = Pick<DataOptions, "memory" | "edge" | "origin">;

/** The checked options. Durations are in milliseconds, and their names end in `Ms`. */
export interface DataSettings {
  readonly namespace: string;
  readonly memory: {
    readonly maxBytes: number;
    readonly maxEntries: number;
    readonly maxEntryBytes: number;
    readonly eviction: CreateEviction;
  };
  readonly edge: { readonly timeoutMs: Millis; readonly maxEntryChars: number };
  readonly origin: {
    readonly slots: number;
    readonly slotWaitMs: Millis;
    readonly overload: CreateSlots;
  };
}

const MIB = 2 ** 20;
const MINUTE_MS = 60_000;

const OPTIONS: OptionTable<Groups> = {
  memory: {
    maxBytes: count(32 * MIB, 1, 128 * MIB),
    maxEntries: count(20_000, 1, 1_000_000),
    maxEntryBytes: count(4 * MIB, 1, 128 * MIB),
    eviction: part(createSieve, "an eviction order of strata/eviction"),
  },
  edge: {
    timeout: duration("500ms", 1, MINUTE_MS),
    maxEntryChars: count(8 * MIB, 1, 128 * MIB),
  },
  origin: {
    slots: count(64, 1, 10_000),
    slotWait: duration("450ms", 1, MINUTE_MS),
    overload: part(createFixedSlots, "overload of strata/overload"),
  },
};

/** Returns the rule for a function that another entry exports. */
function part<T>(fallback: T, rule: string): OptionRule<T> {
  const parse = (value: unknown) => (typeof value === "function" ? (value as T) : undefined);
  return { fallback, parse, rule, unit: "" };
}

/** Checks the options. @throws {DefinitionError} that lists every wrong option */
export function readDataOptions(options: DataOptions): DataSettings {
  const {
    namespace,
    shared: _shared,
    flights: _flights,
    admission: _admission,
    serializer: _serializer,
    encryption: _encryption,
    onEvent: _onEvent,
    ...groups
  } = options;
  const { values, problems } = readOptions(groups, OPTIONS);
  const named =
    typeof namespace === "string" && /^[a-z0-9-]{1,64}$/.test(namespace)
      ? []
      : ["namespace: must be 1 to 64 lower-case letters, digits and hyphens"];
  const all = [...named, ...problems];
  if (all.length > 0) throw new DefinitionError("options", all.join("; "));
  return { namespace, ...values } as unknown as DataSettings;
}
