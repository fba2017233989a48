/** Turns a function into one that answers from the cache. */
import { canonicalJson } from "../core/canonical-json.ts";
import type { DataLookup, LoadContext } from "../core/data-reader.ts";
import { DefinitionError } from "../core/faults.ts";
import { keysOf } from "../core/key.ts";
import { policyOf, type Policy, type PolicyOptions } from "../core/policy.ts";
import type { Cache } from "./cache.ts";

/** The options of `strata.wrap`. */
export interface WrapOptions<A extends readonly unknown[]> {
  /**
   * The kind of the keys. The keys are made of it and of the arguments. A name is required unless
   * `key` is set.
   */
  readonly name?: string;
  /** Makes the key of a call. @default the name, the version and the arguments */
  readonly key?: (...args: A) => string;
  /** The lifetimes and tiers of the values. */
  readonly policy: Policy | PolicyOptions;
  /** The tags of a value, beside those of the policy. @default none */
  readonly tags?: readonly string[] | ((...args: A) => readonly string[]);
  /** The version of the shape of the results. A new version begins without values. @default no version */
  readonly version?: string;
}

/** A function that answers from the cache. */
export interface Wrapped<A extends readonly unknown[], T> {
  /**
   * Returns the result from the cache, or calls the function.
   *
   * @throws {DefinitionError} that names an argument that cannot be part of a key
   * @throws {CacheUnavailable} if the function fails and no tier has a value
   */
  (...args: A): Promise<T>;
  /** Returns the key of the result. */
  key(...args: A): string;
  /** Invalidates the result for these arguments. */
  invalidate(...args: A): Promise<void>;
  /** Calls the function and stores its result, also if the cache has one. */
  refresh(...args: A): Promise<T>;
}

/** Makes a function that answers from the cache. */
export type Wrap = <A extends readonly unknown[], T>(
  fn: (...args: A) => T | Promise<T>,
  options: WrapOptions<A>,
) => Wrapped<A, T>;

/** Creates `wrap`. The calls of one turn share the cache that `open` returns, and so their requests. */
export function createWrap(open: () => Cache): Wrap {
  let current: Cache | undefined;

  function cacheOfTurn(): Cache {
    if (current === undefined) {
      current = open();
      queueMicrotask(() => {
        current = undefined;
      });
    }
    return current;
  }

  return <A extends readonly unknown[], T>(
    fn: (...args: A) => T | Promise<T>,
    options: WrapOptions<A>,
  ): Wrapped<A, T> => {
    const keyOf = keyMaker(options);
    const policy = policyOf(options.policy);
    const { tags = [] } = options;

    async function call(method: "read" | "refresh", given: A): Promise<T> {
      const entryKey = keyOf(given);
      // The load may run after the caller has changed an object among its arguments.
      const args = options.key === undefined ? structuredClone(given) : given;
      let own: T | null | undefined;
      const load = async ({ tag }: LoadContext): Promise<T> => {
        tag(...(typeof tags === "function" ? tags(...args) : tags));
        return (own = await fn(...args));
      };
      const found: DataLookup<T> = await cacheOfTurn()[method](entryKey, policy, load);
      // A negative entry keeps whether the function returned null or undefined.
      const { entry } = found;
      if (entry === undefined) return own as T;
      return (entry.kind === "absent" && entry.body !== "" ? null : found.value) as T;
    }

    return Object.assign(async (...args: A) => call("read", args), {
      key: (...args: A) => keyOf(args),
      invalidate: async (...args: A) => cacheOfTurn().invalidate(keyOf(args)),
      refresh: async (...args: A) => call("refresh", args),
    });
  };
}

function keyMaker<A extends readonly unknown[]>({
  name,
  key,
  version,
}: WrapOptions<A>): (args: A) => string {
  if (key !== undefined) return (args) => key(...args);
  if (name === undefined) throw new DefinitionError("name", "wrap needs a name, or a key");
  const build = keysOf(version === undefined ? {} : { version });
  // A wrong name or version is an error when the module loads, not with the first call.
  build(name, "");
  return (args) => build(name, ...partsOf(args));
}

/** Returns the parts of the key for arguments. A trailing `undefined` is as good as no argument. */
function partsOf(args: readonly unknown[]): string[] {
  const count = args.findLastIndex((argument) => argument !== undefined) + 1;
  if (count === 0) return [""];
  return args.slice(0, count).map((argument, i) => partOf(argument, `argument ${i + 1}`));
}

/** A text that no JSON text and no other form is equal to, so that it needs no quotes. */
const PLAIN = /^(?!(?:true|false|null|undefined)$)[A-Za-z_][\w.@-]*$/;

function partOf(argument: unknown, path: string): string {
  if (typeof argument === "string" && PLAIN.test(argument)) return argument;
  return canonicalJson(argument, path, beyondJson);
}

/** The forms of the values that JSON lacks. */
function beyondJson(value: unknown): string | undefined {
  if (value === undefined) return "undefined";
  if (typeof value === "bigint") return `${value}n`;
  const isDate = value instanceof Date && !Number.isNaN(value.getTime());
  return isDate ? `date(${value.toISOString()})` : undefined;
}
