import { toMillis, type Duration } from "./duration.ts";
import type { RefreshAhead } from "./refresh-ahead.ts";
import { DefinitionError } from "./faults.ts";
import { MAX_TAGS, tagProblem } from "./invalidation-key.ts";
import type { Millis } from "./time.ts";

/** How far a flight reaches: who else waits for the same load. */
export type FlightScope = "isolate" | "region" | "global" | "off";

export type TierName = "memory" | "edge" | "redis";

/**
 * What checks a value, of whatever library: zod, valibot, arktype, ….
 *
 * @see https://standardschema.dev
 */
export interface ValueSchema {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

type SchemaResult =
  | { readonly value: unknown }
  | { readonly issues?: readonly unknown[] | undefined };

/** How one kind of value is cached. Only `freshFor` is required. */
export interface PolicyOptions {
  /** How long a value is served without question. */
  readonly freshFor: Duration;
  /** How much longer it is served while a refresh runs in the background. Default 0. */
  readonly staleWhileRevalidate?: Duration;
  /** How long past `freshFor` it is served when the origin fails. Default 0. */
  readonly staleIfError?: Duration;
  /** How long "there is nothing" is remembered. Default: `freshFor`, at most 1 minute. */
  readonly negativeFor?: Duration;
  /** Share of the lifetime by which lifetimes are spread, 0 to 1. Default 0.1. */
  readonly jitter?: number;
  /** Names by which all values of the policy can be purged. */
  readonly tags?: readonly string[];
  /** How long after a purge an isolate may still not know of it. Default 1 s. */
  readonly coherence?: Duration;
  /** Who waits for the same load. Default "region". */
  readonly flight?: FlightScope;
  /** How long a reader waits for another isolate's load before it loads by itself. Default `originTimeout`. */
  readonly flightTimeout?: Duration;
  /** The tiers that hold values. Default all. */
  readonly tiers?: readonly TierName[];
  /** How long a load may take. Default 5 s. */
  readonly originTimeout?: Duration;
  /**
   * Loads again before the end: at a share of the lifetime (`{ share: 0.8 }`), or with
   * a probability that rises towards it (`{ beta: 1 }`). Default: not.
   */
  readonly refreshAhead?: RefreshAhead;
  /** After this long a reader takes a stale value while the load goes on. Default: never. */
  readonly softTimeout?: Duration;
  /**
   * What a value from a tier must look like; one that does not is a miss and is deleted.
   * For `cache.read` and `cache.readMany`.
   */
  readonly schema?: ValueSchema;
  /** Makes today's shape of an older one, before it is given up. */
  readonly migrate?: (value: unknown) => unknown;
  /** What a near tier does while the log cannot be reached. Default "serve". */
  readonly onUnreachable?: "serve" | "bypass";
  /** How long "serve" lasts. Default 1 minute. */
  readonly unreachableFor?: Duration;
}

/** A policy with every default in its place. Durations in milliseconds. */
export interface Policy {
  readonly freshForMs: Millis;
  readonly staleWhileRevalidateMs: Millis;
  readonly staleIfErrorMs: Millis;
  readonly negativeForMs: Millis;
  readonly jitter: number;
  readonly tags: readonly string[];
  readonly coherenceMs: Millis;
  readonly flight: FlightScope;
  readonly flightTimeoutMs: Millis;
  readonly tiers: ReadonlySet<TierName>;
  readonly originTimeoutMs: Millis;
  readonly refreshAhead: RefreshAhead | undefined;
  readonly softTimeoutMs: Millis | undefined;
  readonly schema: ValueSchema | undefined;
  readonly migrate: ((value: unknown) => unknown) | undefined;
  readonly onUnreachable: "serve" | "bypass";
  readonly unreachableForMs: Millis;
}

/** No entry lives longer, so that the log need not remember longer. */
export const MAX_LIFETIME_MS: Millis = 7 * 86_400_000;

const TIERS: readonly TierName[] = ["memory", "edge", "redis"];
const FLIGHTS: readonly FlightScope[] = ["isolate", "region", "global", "off"];

/**
 * Checks a policy and fills in its defaults. Call it once, where the policy is defined.
 *
 * @throws {DefinitionError} naming the field that is wrong.
 * @example const product = definePolicy({ freshFor: "1h", tags: ["products"] });
 */
export function definePolicy(options: PolicyOptions): Policy {
  const freshForMs = toMillis(options.freshFor, "freshFor");
  if (freshForMs === 0) throw new DefinitionError("freshFor", "must be more than 0");
  const originTimeoutMs = toMillis(options.originTimeout ?? 5_000, "originTimeout");
  const policy: Policy = {
    freshForMs,
    staleWhileRevalidateMs: toMillis(options.staleWhileRevalidate ?? 0, "staleWhileRevalidate"),
    staleIfErrorMs: toMillis(options.staleIfError ?? 0, "staleIfError"),
    negativeForMs: toMillis(options.negativeFor ?? Math.min(freshForMs, 60_000), "negativeFor"),
    jitter: options.jitter ?? 0.1,
    tags: [...(options.tags ?? [])],
    coherenceMs: toMillis(options.coherence ?? 1_000, "coherence"),
    flight: options.flight ?? "region",
    flightTimeoutMs: Math.min(
      toMillis(options.flightTimeout ?? originTimeoutMs, "flightTimeout"),
      originTimeoutMs,
    ),
    tiers: new Set(options.tiers ?? TIERS),
    originTimeoutMs,
    refreshAhead: options.refreshAhead,
    softTimeoutMs:
      options.softTimeout === undefined ? undefined : toMillis(options.softTimeout, "softTimeout"),
    schema: options.schema,
    migrate: options.migrate,
    onUnreachable: options.onUnreachable ?? "serve",
    unreachableForMs: toMillis(options.unreachableFor ?? 60_000, "unreachableFor"),
  };
  check(policy);
  return Object.freeze(policy);
}

function check(policy: Policy): void {
  if (!(policy.jitter >= 0 && policy.jitter <= 1))
    throw new DefinitionError("jitter", "must be between 0 and 1");
  if (policy.tags.length > MAX_TAGS) throw new DefinitionError("tags", `at most ${MAX_TAGS} tags`);
  for (const tag of policy.tags) {
    const problem = tagProblem(tag);
    if (problem !== undefined) throw new DefinitionError("tags", problem);
  }
  for (const tier of policy.tiers)
    if (!TIERS.includes(tier))
      throw new DefinitionError("tiers", `${JSON.stringify(tier)} is no tier`);
  if (!FLIGHTS.includes(policy.flight))
    throw new DefinitionError("flight", `must be one of ${FLIGHTS.join(", ")}`);
  if (policy.onUnreachable !== "serve" && policy.onUnreachable !== "bypass")
    throw new DefinitionError("onUnreachable", 'must be "serve" or "bypass"');
  checkRefreshAhead(policy.refreshAhead);
  if (policy.originTimeoutMs === 0)
    throw new DefinitionError("originTimeout", "must be more than 0");
  const stale = Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
  if (Math.max(policy.freshForMs, policy.negativeForMs) + stale > MAX_LIFETIME_MS)
    throw new DefinitionError("freshFor", "freshFor and the stale window together exceed 7 days");
}

function checkRefreshAhead(ahead: RefreshAhead | undefined): void {
  if (ahead === undefined) return;
  if ("share" in ahead && !(ahead.share > 0 && ahead.share < 1))
    throw new DefinitionError("refreshAhead.share", "must lie between 0 and 1");
  if ("beta" in ahead && !(ahead.beta > 0 && Number.isFinite(ahead.beta)))
    throw new DefinitionError("refreshAhead.beta", "must be more than 0");
}
