/** The options that say which limits a limiter enforces. They are checked here. */
import { DefinitionError } from "../core/faults.ts";
import { parseLimit, type LimitText, type Window } from "./window.ts";

/** One limit for all callers, or limits by the caller's plan. */
export type Limits =
  | LimitText
  | { readonly default: LimitText; readonly plans: Readonly<Record<string, LimitText>> };

/** The kind of identity that an account counts: a client address, a user, or a route with all its callers together. */
export type IdentityKind = "ip" | "user" | "endpoint";
export const IDENTITY_KINDS: readonly IdentityKind[] = ["ip", "user", "endpoint"];

/** How many requests a limiter allows, for each kind of identity. */
export interface LimitOptions {
  /**
   * The name under which tokens are counted: limiters with the same name share accounts. Default:
   * the method and path at which the limiter is mounted, so each mounting point counts separately.
   */
  readonly name?: string;
  /** The limit for one client address; for IPv6, for one /64. */
  readonly ip?: Limits;
  /** The limit for one user. It does not apply to callers that are not identified. */
  readonly user?: Limits;
  /** The limit for one route (method and pattern), all callers together. */
  readonly endpoint?: Limits;
}

export interface LimitPolicy {
  readonly name: string | undefined;
  readonly rules: readonly Rule[];
}

/** The windows that apply to one kind of identity. */
export interface Rule {
  readonly kind: IdentityKind;
  readonly windows: readonly Window[];
  readonly plans: ReadonlyMap<string, readonly Window[]>;
}

const NAME_PATTERN = /^[\w.~-]{1,64}$/;

/** @throws {DefinitionError} that names the wrong field. */
export function defineLimitPolicy(options: LimitOptions): LimitPolicy {
  const { name } = options;
  if (name !== undefined && !NAME_PATTERN.test(name))
    throw new DefinitionError("name", "must be 1 to 64 letters, digits and any of _ . ~ -");
  const rules = IDENTITY_KINDS.flatMap((kind) => {
    const limits = options[kind];
    return limits === undefined ? [] : [defineRule(kind, limits)];
  });
  if (rules.length === 0)
    throw new DefinitionError("limits", "give at least one of ip, user and endpoint");
  return { name, rules };
}

function defineRule(kind: IdentityKind, limits: Limits): Rule {
  if (typeof limits === "string" || Array.isArray(limits))
    return { kind, windows: parseLimit(limits as LimitText, kind), plans: new Map() };
  if (typeof limits !== "object" || limits === null || !("default" in limits))
    throw new DefinitionError(
      kind,
      'must be a limit such as "100/1m", a list of limits, or { default, plans }',
    );
  const plans = Object.entries(limits.plans ?? {}).map(
    ([plan, text]) => [plan, parseLimit(text, `${kind}.plans.${plan}`)] as const,
  );
  return { kind, windows: parseLimit(limits.default, `${kind}.default`), plans: new Map(plans) };
}

/** Returns the windows for a caller with this plan. A plan without limits of its own has the default ones. */
export function windowsForPlan(rule: Rule, plan: string): readonly Window[] {
  return rule.plans.get(plan) ?? rule.windows;
}

/** Returns all windows of the policies, including those of plans. */
export function allWindows(policies: readonly LimitPolicy[]): readonly Window[] {
  return policies.flatMap(({ rules }) =>
    rules.flatMap((rule) => [...rule.windows, ...[...rule.plans.values()].flat()]),
  );
}
