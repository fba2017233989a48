import {
  count,
  duration,
  readOptions,
  type OptionRule,
  type OptionTable,
} from "../config/option-reader.ts";
import { createDoorkeeper } from "../core/doorkeeper.ts";
import type { Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import type { Admission } from "../data/admission.ts";
import { newHashKey } from "../platform.ts";
import { createSecondRead } from "../tiers/second-read.ts";

/** The options of `secondRead`. */
export interface SecondReadLimits {
  /** The longest time between the first and the second read of a key. @default "10m" */
  readonly within?: Duration;
  /** The tiers that wait for the second read. @default ["edge", "redis"] */
  readonly tiers?: readonly ("edge" | "redis")[];
  /**
   * The number of keys that one isolate remembers, for each of two kinds: those that were loaded once, and
   * those that were stored. With 20,000 the filters take 110 KB. If more keys are loaded within the window, it
   * forgets the oldest. @default 20000
   */
  readonly keys?: number;
}

const TIERS: readonly unknown[] = ["edge", "redis"];

const tiers: OptionRule<readonly ("edge" | "redis")[]> = {
  fallback: ["edge", "redis"],
  parse: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => TIERS.includes(one))
      ? (value as ("edge" | "redis")[])
      : undefined,
  rule: 'a list of "edge" and "redis"',
  unit: "",
};

const RULES: OptionTable<{ readonly secondRead: SecondReadLimits }> = {
  secondRead: {
    within: duration("10m", 1_000, 86_400_000),
    tiers,
    keys: count(20_000, 100, 500_000),
  },
};

interface Settings {
  readonly withinMs: Millis;
  readonly tiers: readonly ("edge" | "redis")[];
  readonly keys: number;
}

/**
 * Makes the admission that stores an entry behind memory with the second read of its key. Each isolate
 * counts its own reads. The tier "redis" is the shared store, of whatever kind.
 *
 * @throws {DefinitionError} that lists every wrong option
 * @example
 * const strata = createStrata({ namespace: "shop", admission: secondRead({ within: "30m" }) });
 */
export function secondRead(limits: SecondReadLimits = {}): Admission {
  const { values, problems } = readOptions({ secondRead: limits }, RULES);
  if (problems.length > 0) throw new DefinitionError("secondRead", problems.join("; "));
  const {
    withinMs: windowMs,
    tiers: guarded,
    keys: maxKeys,
  } = values["secondRead"] as unknown as Settings;

  return {
    guard({ holdsEntries, ...parts }) {
      return createSecondRead({
        ...parts,
        guarded: new Set(guarded.filter((tier) => tier === "edge" || holdsEntries)),
        windowMs,
        maxKeys,
        loaded: createDoorkeeper({ windowMs, maxKeys, seed: newHashKey() }),
        admitted: createDoorkeeper({ windowMs: Infinity, maxKeys, seed: newHashKey() }),
      });
    },
  };
}
