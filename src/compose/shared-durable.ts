import { choice, count, duration, readOptions, type OptionTable } from "../config/option-reader.ts";
import type { Duration } from "../core/duration.ts";
import { ENTRY_PARTS } from "../engine/entry-parts.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import type { Shared } from "../data/shared.ts";
import { createDurableStore } from "../durable/store-port.ts";
import { storeStub } from "../durable/stubs.ts";
import { PLACES, type ObjectPlace } from "./object-place.ts";
import {
  BREAKER_RULES,
  guardStore,
  type BreakerOptions,
  type BreakerSettings,
} from "./store-guard.ts";

/** The options of `durable`. */
export interface DurableStoreOptions {
  /**
   * The number of further objects for the entries. With 0, one object holds entries and log, and a read
   * of the store is one request. With more, a read asks the object of the entry, and then the log.
   * Another number finds none of the stored entries. @default 0
   */
  readonly shards?: number;
  /** The place of new objects. By default, the platform creates an object near its first caller. @default "nearest" */
  readonly location?: ObjectPlace;
  /** Time limit of one operation. @default "1s" */
  readonly timeout?: Duration;
  /** The maximum number of characters of one stored entry. A row has at most 2 MB. @default 1048576 (1 Mi) */
  readonly maxEntryChars?: number;
  /** The circuit breaker of the objects. @default those of `BreakerOptions` */
  readonly breaker?: BreakerOptions;
}

type Own = Omit<DurableStoreOptions, "breaker">;

const RULES: OptionTable<{ readonly durable: Own; readonly breaker?: BreakerOptions }> = {
  durable: {
    shards: count(0, 0, 256),
    location: choice("nearest", PLACES),
    timeout: duration("1s", 1, 60_000),
    maxEntryChars: count(2 ** 20, 1, 2_000_000),
  },
  breaker: BREAKER_RULES,
};

interface Settings {
  readonly durable: {
    readonly shards: number;
    readonly location: ObjectPlace;
    readonly timeoutMs: Millis;
    readonly maxEntryChars: number;
  };
  readonly breaker: BreakerSettings;
}

/**
 * Makes the shared store in Durable Objects. The Worker exports the class `StrataStore` and binds it.
 *
 * @param objects the binding of the class `StrataStore`
 * @throws {DefinitionError} that lists every wrong option, or says that the binding is missing
 * @example
 * import { env } from "cloudflare:workers";
 *
 * export { StrataStore } from "strata/durable";
 *
 * const strata = createStrata({ namespace: "shop", shared: durable(env.STRATA) });
 */
export function durable(
  objects: DurableObjectNamespace | undefined,
  options: DurableStoreOptions = {},
): Shared {
  if (objects === undefined) throw new DefinitionError("durable", "the binding is missing");
  const { breaker: breakerOptions = {}, ...own } = options;
  const { values, problems } = readOptions({ durable: own, breaker: breakerOptions }, RULES);
  if (problems.length > 0) throw new DefinitionError("options", problems.join("; "));
  const { durable: settings, breaker } = values as unknown as Settings;
  const { shards, location, timeoutMs, maxEntryChars } = settings;
  const hint = location === "nearest" ? undefined : location;

  return {
    open({ namespace, withTimeout, ...parts }) {
      const { probe, ...store } = createDurableStore({
        stub: (name) => storeStub(objects, name, hint),
        namespace,
        shards,
        maxEntryChars,
        timeoutMs,
        withTimeout,
      });
      return {
        store: guardStore(store, { ...parts, breaker, timeoutMs, probe }, "store"),
        timeoutMs,
        maxEntryChars,
        entries: ENTRY_PARTS,
      };
    },
  };
}
