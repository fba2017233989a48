/** What a limiter is told, checked and with its defaults. */
import { DefinitionError } from "../core/faults.ts";
import { parseLimit, type LimitText, type Window } from "./window.ts";

/** A limit for everyone, or one that depends on the caller's plan. */
export type Limits =
  | LimitText
  | { readonly default: LimitText; readonly plans: Readonly<Record<string, LimitText>> };

/** Who is counted: an address, a user, or a route for all its callers together. */
export type IdentityKind = "ip" | "user" | "endpoint";
export const IDENTITY_KINDS: readonly IdentityKind[] = ["ip", "user", "endpoint"];

export interface LimitOptions {
  /**
   * Where the tokens are counted. Limiters of one name share them; by default each
   * place where a limiter is put, by method and path, counts for itself.
   */
  readonly name?: string;
  /** For one client address; of IPv6, for one /64. */
  readonly ip?: Limits;
  /** For one user, where the caller is known. */
  readonly user?: Limits;
  /** For one route (method and pattern), all callers together. */
  readonly endpoint?: Limits;
}

export interface LimitPolicy {
  readonly name: string | undefined;
  readonly rules: readonly Rule[];
}

/** The windows of one kind of identity. */
export interface Rule {
  readonly kind: IdentityKind;
  readonly windows: readonly Window[];
  readonly plans: ReadonlyMap<string, readonly Window[]>;
}

/** The algorithms of `@upstash/ratelimit` itself. */
export type StockAlgorithm =
  | "upstash-sliding-window"
  | "upstash-fixed-window"
  | "upstash-token-bucket";
/** Ours: "sliding-window" (two buckets) and "sliding-log" (exact). */
export type AlgorithmName = "sliding-window" | "sliding-log" | StockAlgorithm;

const ALGORITHMS: readonly AlgorithmName[] = [
  "sliding-window",
  "sliding-log",
  "upstash-sliding-window",
  "upstash-fixed-window",
  "upstash-token-bucket",
];

export type Mode = "strict" | "fast";
export type OnUnavailable = "open" | "closed" | "local";

const MODES: readonly Mode[] = ["strict", "fast"];
const ON_UNAVAILABLE: readonly OnUnavailable[] = ["open", "closed", "local"];
/** A member a token: more belongs into buckets. */
const MAX_LOG_LIMIT = 1_000;
const NAME = /^[\w.~-]{1,64}$/;

/** @throws {DefinitionError} naming the field that is wrong. */
export function defineLimitPolicy(options: LimitOptions): LimitPolicy {
  const { name } = options;
  if (name !== undefined && !NAME.test(name))
    throw new DefinitionError("name", "must be 1 to 64 letters, digits and any of _ . ~ -");
  const rules = IDENTITY_KINDS.flatMap((kind) => {
    const limits = options[kind];
    return limits === undefined ? [] : [ruleOf(kind, limits)];
  });
  if (rules.length === 0)
    throw new DefinitionError("limits", "give at least one of ip, user and endpoint");
  return { name, rules };
}

function ruleOf(kind: IdentityKind, limits: Limits): Rule {
  if (typeof limits === "string" || Array.isArray(limits))
    return { kind, windows: parseLimit(limits as LimitText, kind), plans: new Map() };
  if (typeof limits !== "object" || limits === null || !("default" in limits))
    throw new DefinitionError(
      kind,
      'must be a limit such as "100/1m", a list of them, or { default, plans }',
    );
  const plans = Object.entries(limits.plans ?? {}).map(
    ([plan, text]) => [plan, parseLimit(text, `${kind}.plans.${plan}`)] as const,
  );
  return { kind, windows: parseLimit(limits.default, `${kind}.default`), plans: new Map(plans) };
}

/** The windows that hold for a caller of this plan. */
export function windowsFor(rule: Rule, plan: string | undefined): readonly Window[] {
  return (plan === undefined ? undefined : rule.plans.get(plan)) ?? rule.windows;
}

/** The smallest number of tokens that any window of these policies admits. */
export function smallestLimit(policies: readonly LimitPolicy[]): number {
  return Math.min(...windowsOf(policies).map(({ limit }) => limit));
}

function windowsOf(policies: readonly LimitPolicy[]): readonly Window[] {
  return policies.flatMap(({ rules }) =>
    rules.flatMap((rule) => [...rule.windows, ...[...rule.plans.values()].flat()]),
  );
}

/** How a limiter behaves, beside what it limits. */
export interface Behaviour {
  readonly mode: Mode;
  readonly onUnavailable: OnUnavailable;
  readonly algorithm: AlgorithmName;
  /** Tokens on credit, as a share of the limit; see `leaseOf`. */
  readonly lease: number;
}

export interface BehaviourOptions {
  /** "strict" waits for Redis; "fast" answers from a lease. Default "strict". */
  readonly mode?: Mode;
  /** Without Redis: let pass, refuse with 503, or count in this isolate. Default "open". */
  readonly onUnavailable?: OnUnavailable;
  /** Default "sliding-window". */
  readonly algorithm?: AlgorithmName;
  /** Share of a limit that an isolate may give on credit in fast mode, 0 to 1. Default 0.1. */
  readonly lease?: number;
}

/** @throws {DefinitionError} naming the field that is wrong. */
export function defineBehaviour(
  options: BehaviourOptions,
  policies: readonly LimitPolicy[],
): Behaviour {
  const {
    mode = "strict",
    onUnavailable = "open",
    algorithm = "sliding-window",
    lease = 0.1,
  } = options;
  oneOf("mode", mode, MODES);
  oneOf("onUnavailable", onUnavailable, ON_UNAVAILABLE);
  oneOf("algorithm", algorithm, ALGORITHMS);
  if (!(lease > 0 && lease <= 1))
    throw new DefinitionError("lease", "must be more than 0 and at most 1");
  if (mode === "fast" && algorithm !== "sliding-window")
    throw new DefinitionError(
      "mode",
      `"fast" lends from "sliding-window"; "${algorithm}" is for "strict"`,
    );
  if (algorithm === "sliding-log" && windowsOf(policies).some(({ limit }) => limit > MAX_LOG_LIMIT))
    throw new DefinitionError("algorithm", `"sliding-log" is for limits up to ${MAX_LOG_LIMIT}`);
  return { mode, onUnavailable, algorithm, lease };
}

function oneOf(field: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new DefinitionError(
      field,
      `must be one of ${allowed.map((one) => `"${one}"`).join(", ")}`,
    );
}
