import { toMillis, type Duration } from "./duration.ts";
import type { RefreshAhead } from "./refresh-ahead.ts";
import { DefinitionError } from "./faults.ts";
import { invalidationKeyOfTag, MAX_TAGS } from "./invalidation-key.ts";
import type { Millis } from "./time.ts";

/** The lookups that share one load: those of one isolate, of one region, of all regions, or none. */
export type FlightScope = "isolate" | "region" | "global" | "off";

export type TierName = "memory" | "edge" | "redis";

/**
 * The tiers that store values, with the longest time for which a tier keeps its copy. `true`: for the
 * whole lifetime of the value, which is the default. `false`: the tier stores nothing.
 */
export interface TierLimits {
  /** The longest time for which memory keeps a copy. False: memory stores nothing. */
  readonly memory?: Duration | boolean;
  /** The edge counts whole seconds. A limit below one second stores nothing. */
  readonly edge?: Duration | boolean;
  /** Whether the shared store has the value. */
  readonly redis?: boolean;
}

/** A validator of values from a library that implements Standard Schema, such as zod, valibot or arktype. */
export interface ValueSchema {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

type SchemaResult =
  | { readonly value: unknown }
  | { readonly issues?: readonly unknown[] | undefined };

/**
 * The settings for the caching of one kind of value. Only `freshFor` is required. A duration is a
 * number of milliseconds or a text such as "5m".
 */
export interface PolicyOptions {
  /** The fresh lifetime: the time for which a value is served without a refresh. More than 0. */
  readonly freshFor: Duration;
  /**
   * The time after `freshFor` in which a stale value is served while a refresh runs in the
   * background (RFC 5861). Default: 0.
   */
  readonly staleWhileRevalidate?: Duration;
  /** The time after `freshFor` in which a stale value is served if the origin fails (RFC 5861). Default: 0. */
  readonly staleIfError?: Duration;
  /** The fresh lifetime of a negative entry. Default: `freshFor`, but at most 1 minute. */
  readonly negativeFor?: Duration;
  /**
   * The maximum share of the lifetime, from 0 to 1, by which it is shortened at random, so that
   * entries do not expire together. Default: 0.1.
   */
  readonly jitter?: number;
  /** The tags of every value of the policy, at most 128. */
  readonly tags?: readonly string[];
  /** The coherence bound: the log view may be at most this old when it answers a read. Default: 1 s. */
  readonly coherence?: Duration;
  /** The lookups that share one load. Default: "region". */
  readonly flight?: FlightScope;
  /**
   * The time that a lookup waits for the load of another isolate before it calls its own loader. At
   * most three quarters of `originTimeout`, which is the default.
   */
  readonly flightTimeout?: Duration;
  /**
   * The tiers that store values, as a list, or with the longest time for which memory and edge keep a
   * copy: `{ memory: "10s", edge: "1m" }`. Default: all three, for the lifetime of the value.
   */
  readonly tiers?: readonly TierName[] | TierLimits;
  /** The time limit of a load, and of all loads that one read waits for. More than 0. Default: 5 s. */
  readonly originTimeout?: Duration;
  /**
   * Refreshes a value before it is stale. The refresh begins at a share of the fresh lifetime
   * (`{ share: 0.8 }`), or with a probability that rises towards its end (`{ beta: 1 }`). Default:
   * no refresh-ahead.
   */
  readonly refreshAhead?: RefreshAhead;
  /**
   * The time that a lookup waits for a load before it serves the stale value that it has. Default:
   * it waits until the load ends.
   */
  readonly softTimeout?: Duration;
  /**
   * Checks each value that a tier gives to `cache.read` and `cache.readMany`. A value that does not
   * match is deleted, and the read is a miss. Default: no check.
   */
  readonly schema?: ValueSchema;
  /** Converts a stored value that `schema` rejects. `schema` then checks the converted value. */
  readonly migrate?: (value: unknown) => unknown;
  /**
   * Whether memory and edge serve entries while the log cannot be reached. With "bypass" they do not,
   * also if the load fails. Default: "serve".
   */
  readonly onUnreachable?: "serve" | "bypass";
  /**
   * The time for which memory and edge serve an entry while the log cannot be reached. It begins
   * when the log last answered or when the entry was stored, whichever is later. After that, entries
   * answer only if the load fails, within `staleIfError`. Default: 1 minute.
   */
  readonly unreachableFor?: Duration;
}

/** A checked policy with its defaults filled in. Durations are in milliseconds. */
export interface Policy {
  /** `freshFor`, in milliseconds. */
  readonly freshForMs: Millis;
  /** `staleWhileRevalidate`, in milliseconds. */
  readonly staleWhileRevalidateMs: Millis;
  /** `staleIfError`, in milliseconds. */
  readonly staleIfErrorMs: Millis;
  /** `negativeFor`, in milliseconds. */
  readonly negativeForMs: Millis;
  /** The largest share of the lifetime, from 0 to 1, by which it is shortened at random. */
  readonly jitter: number;
  /** The tags of every value. */
  readonly tags: readonly string[];
  /** `coherence`, in milliseconds. */
  readonly coherenceMs: Millis;
  /** The lookups that share one load. */
  readonly flight: FlightScope;
  /** `flightTimeout`, in milliseconds. */
  readonly flightTimeoutMs: Millis;
  /** The tiers that store values. */
  readonly tiers: ReadonlySet<TierName>;
  /** The longest time for which memory keeps a copy. Undefined: for the lifetime of the value. */
  readonly memoryForMs?: Millis | undefined;
  /** The longest time for which the edge keeps a copy. Undefined: for the lifetime of the value. */
  readonly edgeForMs?: Millis | undefined;
  /** `originTimeout`, in milliseconds. */
  readonly originTimeoutMs: Millis;
  /** The rule of refresh-ahead. Undefined: values are refreshed only when they are stale. */
  readonly refreshAhead: RefreshAhead | undefined;
  /** `softTimeout`, in milliseconds. Undefined: a lookup waits for `originTimeoutMs`. */
  readonly softTimeoutMs: Millis | undefined;
  /** The validator of stored values. Undefined: stored values are not validated. */
  readonly schema: ValueSchema | undefined;
  /** Turns a stored value of an older form into one of the present form. */
  readonly migrate: ((value: unknown) => unknown) | undefined;
  /** The answer while the log cannot be asked: `serve` gives stored values, `bypass` loads. */
  readonly onUnreachable: "serve" | "bypass";
  /** `unreachableFor`, in milliseconds. */
  readonly unreachableForMs: Millis;
}

/**
 * The longest lifetime of an entry, stale windows included: 7 days. By default the log keeps its
 * numbers for this time too.
 */
export const MAX_LIFETIME_MS: Millis = 7 * 86_400_000;

const TIERS: readonly TierName[] = ["memory", "edge", "redis"];
/** The options that are durations and have a default. */
type DurationName =
  | "staleWhileRevalidate"
  | "staleIfError"
  | "negativeFor"
  | "coherence"
  | "flightTimeout"
  | "originTimeout"
  | "softTimeout"
  | "unreachableFor";

const FLIGHTS: readonly FlightScope[] = ["isolate", "region", "global", "off"];

/**
 * Checks a policy and fills in its defaults. Call it once, at module level.
 *
 * @throws {DefinitionError} that names the invalid field
 * @example
 * const product = definePolicy({
 *   freshFor: "1h",
 *   staleWhileRevalidate: "5m",
 *   staleIfError: "1d",
 *   tags: ["products"],
 * });
 */
export function definePolicy(options: PolicyOptions): Policy {
  const millisOf = (name: DurationName, fallback: Millis): Millis =>
    toMillis(options[name] ?? fallback, name);
  const freshForMs = toMillis(options.freshFor, "freshFor");
  const originTimeoutMs = millisOf("originTimeout", 5_000);
  const policy: Policy = {
    freshForMs,
    staleWhileRevalidateMs: millisOf("staleWhileRevalidate", 0),
    staleIfErrorMs: millisOf("staleIfError", 0),
    negativeForMs: millisOf("negativeFor", Math.min(freshForMs, 60_000)),
    jitter: options.jitter ?? 0.1,
    tags: [...(options.tags ?? [])],
    coherenceMs: millisOf("coherence", 1_000),
    flight: options.flight ?? "region",
    flightTimeoutMs: Math.min(millisOf("flightTimeout", originTimeoutMs), originTimeoutMs),
    ...tiersOf(options.tiers ?? TIERS),
    originTimeoutMs,
    refreshAhead: options.refreshAhead,
    softTimeoutMs: options.softTimeout === undefined ? undefined : millisOf("softTimeout", 0),
    schema: options.schema,
    migrate: options.migrate,
    onUnreachable: options.onUnreachable ?? "serve",
    unreachableForMs: millisOf("unreachableFor", 60_000),
  };
  check(policy);
  return Object.freeze(policy);
}

const policies = new WeakMap<PolicyOptions, Policy>();

/**
 * Returns the policy of options, or the policy itself. It checks the same object of options once, so
 * that options at module level cost nothing at each read.
 */
export function policyOf(policy: Policy | PolicyOptions): Policy {
  if ("freshForMs" in policy) return policy;
  let defined = policies.get(policy);
  if (defined === undefined) policies.set(policy, (defined = definePolicy(policy)));
  return defined;
}

function tiersOf(
  tiers: readonly TierName[] | TierLimits,
): Pick<Policy, "tiers" | "memoryForMs" | "edgeForMs"> {
  for (const name of isList(tiers) ? tiers : Object.keys(tiers)) checkOneOf("tiers", name, TIERS);
  if (isList(tiers)) return { tiers: new Set(tiers) };
  if (tiers.redis !== undefined && typeof tiers.redis !== "boolean")
    throw new DefinitionError("tiers.redis", "must be true or false");
  const limitOf = (name: "memory" | "edge"): Millis | undefined => {
    const limit = tiers[name];
    return typeof limit === "boolean" || limit === undefined
      ? undefined
      : toMillis(limit, `tiers.${name}`);
  };
  return {
    tiers: new Set(TIERS.filter((name) => tiers[name] !== false)),
    memoryForMs: limitOf("memory"),
    edgeForMs: limitOf("edge"),
  };
}

function isList(tiers: readonly TierName[] | TierLimits): tiers is readonly TierName[] {
  return Array.isArray(tiers);
}

function checkOneOf(field: string, value: string, names: readonly string[]): void {
  if (!names.includes(value))
    throw new DefinitionError(field, `${JSON.stringify(value)} is not one of ${names.join(", ")}`);
}

function check(policy: Policy): void {
  if (!(policy.jitter >= 0 && policy.jitter <= 1))
    throw new DefinitionError("jitter", "must be between 0 and 1");
  if (policy.tags.length > MAX_TAGS) throw new DefinitionError("tags", `at most ${MAX_TAGS} tags`);
  for (const tag of policy.tags) invalidationKeyOfTag(tag);
  checkOneOf("flight", policy.flight, FLIGHTS);
  checkOneOf("onUnreachable", policy.onUnreachable, ["serve", "bypass"]);
  checkRefreshAhead(policy.refreshAhead);
  checkPositive("freshFor", policy.freshForMs);
  checkPositive("originTimeout", policy.originTimeoutMs);
  const stale = Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
  if (Math.max(policy.freshForMs, policy.negativeForMs) + stale > MAX_LIFETIME_MS)
    throw new DefinitionError("freshFor", "must be at most 7 days with the stale window");
}

function checkRefreshAhead(ahead: RefreshAhead | undefined): void {
  if (ahead === undefined) return;
  if ("share" in ahead && !(ahead.share > 0 && ahead.share < 1))
    throw new DefinitionError("refreshAhead.share", "must be between 0 and 1, both excluded");
  if ("beta" in ahead) checkPositive("refreshAhead.beta", ahead.beta);
}

/** @throws {DefinitionError} unless the value is a finite number above 0 */
export function checkPositive(field: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new DefinitionError(field, "must be more than 0");
}
