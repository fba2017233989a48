/** Checks an options object against a table of its members, and lists the problems that it finds. */
import { toMillis, type Duration } from "../core/duration.ts";
import type { Millis } from "../core/time.ts";

/** The check of one member of an options group. */
export interface OptionRule<T> {
  readonly fallback: T;
  /** Returns the value that the layer uses, or undefined if the given value is wrong. */
  readonly parse: (value: unknown) => T | undefined;
  /** The rule as a text that continues "must be", for the error message. */
  readonly rule: string;
  /** A suffix for the member's name in the result: "Ms" for a duration. */
  readonly unit: "" | "Ms";
}

/** A rule for every member of every group of `Options`. */
export type OptionTable<Options> = {
  readonly [Group in keyof Options]-?: {
    readonly [Name in keyof NonNullable<Options[Group]>]-?: OptionRule<unknown>;
  };
};

function between(value: unknown, min: number, max: number): number | undefined {
  return typeof value === "number" && value >= min && value <= max ? value : undefined;
}

/** Returns the rule for a whole number from `min` to `max`. */
export function count(fallback: number, min: number, max: number): OptionRule<number> {
  const parse = (value: unknown) =>
    Number.isSafeInteger(value) ? between(value, min, max) : undefined;
  return { fallback, parse, rule: `a whole number from ${min} to ${max}`, unit: "" };
}

/** Returns the rule for a number from `min` to `max`, whole or not. */
export function fraction(fallback: number, min: number, max: number): OptionRule<number> {
  const parse = (value: unknown) => between(value, min, max);
  return { fallback, parse, rule: `a number from ${min} to ${max}`, unit: "" };
}

/** Returns the rule for a duration. The result is in milliseconds, rounded up. */
export function duration(fallback: Duration, min: Millis, max: Millis): OptionRule<Millis> {
  const parse = (value: unknown): Millis | undefined => {
    try {
      const text = typeof value === "number" ? value : String(value);
      return between(Math.ceil(toMillis(text as Duration, "")), min, max);
    } catch {
      return undefined;
    }
  };
  const rule = `a duration from ${min} ms to ${max} ms, such as "5m" or 250`;
  return { fallback: toMillis(fallback, ""), parse, rule, unit: "Ms" };
}

/** Returns the rule for a boolean. */
export function flag(fallback: boolean): OptionRule<boolean> {
  const parse = (value: unknown) => (typeof value === "boolean" ? value : undefined);
  return { fallback, parse, rule: "true or false", unit: "" };
}

/** Returns the rule for a text that must be one of `names`. */
export function choice<T extends string>(fallback: T, names: readonly T[]): OptionRule<T> {
  const parse = (value: unknown) => names.find((name) => name === value);
  return { fallback, parse, rule: `one of ${names.join(", ")}`, unit: "" };
}

export interface ReadOptions {
  /** Every member of the table, by group: the given value, or the default. The objects are frozen. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** One line for each wrong or unknown member: its path, and what it should be. */
  readonly problems: readonly string[];
}

export function readOptions<Options extends object>(
  options: Options,
  table: OptionTable<Options>,
): ReadOptions {
  const problems: string[] = [];
  const given = membersOf(options, "options", problems);
  const values: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [group, rules] of Object.entries<Record<string, OptionRule<unknown>>>(table)) {
    const members = membersOf(given[group] ?? {}, group, problems);
    const read: Record<string, unknown> = {};
    for (const [name, { fallback, parse, rule, unit }] of Object.entries(rules)) {
      const value = members[name] === undefined ? fallback : parse(members[name]);
      if (value === undefined) problems.push(`${group}.${name}: must be ${rule}`);
      read[name + unit] = value;
    }
    for (const name of Object.keys(members))
      if (!Object.hasOwn(rules, name)) problems.push(`${group}.${name}: is unknown`);
    values[group] = Object.freeze(read);
  }
  for (const group of Object.keys(given))
    if (!Object.hasOwn(table, group)) problems.push(`${group}: is unknown`);
  return { values: Object.freeze(values), problems };
}

function membersOf(value: unknown, path: string, problems: string[]): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  problems.push(`${path}: must be an object`);
  return {};
}
