/** Reads the members of an options object, one group at a time, and collects what is wrong. */
import { toMillis, type Duration } from "../core/duration.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";

/** Reads the members of one group. Each call names a member, its default and its bounds. */
export interface GroupReader<Name extends string> {
  /** A whole number. */
  count(name: Name, fallback: number, min: number, max: number): number;
  /** A number that need not be whole. */
  fraction(name: Name, fallback: number, min: number, max: number): number;
  /** A duration, in milliseconds rounded up. */
  duration(name: Name, fallback: Duration, min: Millis, max: Millis): Millis;
  /** One of the names. */
  choice<T extends string>(name: Name, fallback: T, names: readonly T[]): T;
}

export interface OptionReader<Options> {
  group<Name extends keyof Options & string>(
    name: Name,
  ): GroupReader<keyof Exclude<Options[Name], undefined> & string>;
  /** One line for each wrong or unknown member: its path, and what it should be. */
  problems(): readonly string[];
}

export function createOptionReader<Options extends object>(
  options: Options,
): OptionReader<Options> {
  const problems: string[] = [];
  const groups = new Map<string, Set<string>>();
  const root = membersOf(options);
  if (root === undefined) problems.push("options: must be an object");

  function readGroup(group: string): GroupReader<string> {
    const known = new Set<string>();
    groups.set(group, known);
    const given = root?.[group];
    const members = given === undefined ? {} : membersOf(given);
    if (members === undefined) problems.push(`${group}: must be an object`);

    /** The member, or the default if it is absent or wrong. */
    function read<T>(name: string, fallback: T, parse: (value: unknown) => T, rule: string): T {
      known.add(name);
      const value = members?.[name];
      if (value === undefined) return fallback;
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof DefinitionError)) throw error;
        problems.push(`${group}.${name}: must be ${rule}`);
        return fallback;
      }
    }

    return {
      count: (name, fallback, min, max) =>
        read(
          name,
          fallback,
          (value) => numberIn(value, min, max, Number.isSafeInteger),
          `a whole number from ${min} to ${max}`,
        ),
      fraction: (name, fallback, min, max) =>
        read(
          name,
          fallback,
          (value) => numberIn(value, min, max, Number.isFinite),
          `a number from ${min} to ${max}`,
        ),
      duration: (name, fallback, min, max) =>
        read(
          name,
          toMillis(fallback, name),
          (value) => {
            const duration = typeof value === "number" ? value : String(value);
            const ms = Math.ceil(toMillis(duration as Duration, name));
            return numberIn(ms, min, max, Number.isSafeInteger);
          },
          `a duration from ${min} ms to ${max} ms, such as "5s" or 250`,
        ),
      choice: (name, fallback, names) =>
        read(
          name,
          fallback,
          (value) => {
            const found = names.find((each) => each === value);
            if (found === undefined) throw new DefinitionError(name, "is unknown");
            return found;
          },
          `one of ${names.join(", ")}`,
        ),
    };
  }

  return {
    group: (name) => readGroup(name),
    problems() {
      const unknown: string[] = [];
      for (const [group, given] of Object.entries(root ?? {})) {
        const known = groups.get(group);
        if (known === undefined) unknown.push(`${group}: is unknown`);
        else
          for (const name of Object.keys(membersOf(given) ?? {}))
            if (!known.has(name)) unknown.push(`${group}.${name}: is unknown`);
      }
      return [...problems, ...unknown];
    },
  };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function numberIn(
  value: unknown,
  min: number,
  max: number,
  isValid: (value: unknown) => boolean,
): number {
  if (typeof value === "number" && isValid(value) && value >= min && value <= max) return value;
  throw new DefinitionError("number", "is out of bounds");
}
