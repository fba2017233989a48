/** The limiter of one isolate: makes middleware, and tells of identities. */
import type { WithTimeout } from "../core/deadline.ts";
import type { Context as HonoContext, Env, MiddlewareHandler } from "hono";
import { DefinitionError } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import { createAccountTable, type AccountTable } from "./accounts.ts";
import type { Identities } from "./identity.ts";
import { createInspection, type Inspection, type Registered } from "./inspection.ts";
import type { Ledger } from "./ledger.ts";
import { createLimiter, type Limiter } from "./limiter.ts";
import { createMiddleware, type Cost, type LimitScope } from "./middleware.ts";
import {
  defineBehaviour,
  defineLimitPolicy,
  type AlgorithmName,
  type BehaviourOptions,
  type LimitOptions,
  type Rule,
} from "./limit-policy.ts";
import type { Respond } from "./refusal.ts";
import { createSettlement, type Settlement } from "./settlement.ts";

export interface RateLimitOptions extends LimitOptions, BehaviourOptions {
  /** Tokens that a request takes. Default 1. A request of 0 is told where it stands, and takes none. */
  readonly cost?: Cost;
}

export interface RateLimits<E extends Env> extends Inspection {
  /**
   * Limits how often a route, or all of them, may be asked for. Everything that is
   * named is checked at one instant: a request takes its tokens from all, or from none.
   *
   * @throws {DefinitionError} where it is defined, naming the field that is wrong.
   * @example app.use(rateLimit({ ip: "100/1m", user: ["10/1s", "1000/1h"], mode: "fast" }))
   */
  rateLimit(options: RateLimitOptions, ...also: readonly LimitOptions[]): MiddlewareHandler<E>;
  stats(): RateLimitStats;
}

export interface RateLimitStats {
  /** Identities in memory. */
  readonly accounts: number;
  /** Those of them, and of forgotten ones, that were given tokens which Redis does not know of. */
  readonly owing: number;
  /** Tokens that were given and will not be charged: too many identities at once. */
  readonly forgiven: number;
  /** Tokens of which nobody knows whether they were charged: the call's answer stayed out. */
  readonly unknown: number;
}

export interface RateLimitsOptions<E extends Env> {
  /** Where a request has its scope. */
  readonly scopeOf: (c: HonoContext<E>) => LimitScope;
  readonly ledgerOf: (algorithm: AlgorithmName) => Ledger;
  readonly identities: Identities;
  readonly respond: Respond;
  readonly withTimeout: WithTimeout;
  /** No call of a ledger takes longer. */
  readonly timeoutMs: Millis;
  /** Identities that the isolate remembers, for each algorithm. */
  readonly maxAccounts: number;
}

/** Everything that counts by one algorithm. */
export interface Counter {
  readonly ledger: Ledger;
  readonly table: AccountTable;
  readonly settlement: Settlement;
  readonly limiter: Limiter;
}

export function createRateLimits<E extends Env>(options: RateLimitsOptions<E>): RateLimits<E> {
  const { scopeOf, ledgerOf, identities, respond, withTimeout, timeoutMs, maxAccounts } = options;
  const counters = new Map<AlgorithmName, Counter>();
  const registry = new Map<string, Registered>();

  function counterOf(algorithm: AlgorithmName): Counter {
    let counter = counters.get(algorithm);
    if (counter === undefined) {
      const ledger = ledgerOf(algorithm);
      const table = createAccountTable({ maxAccounts, maxOwing: Math.ceil(maxAccounts / 2) });
      const settlement = createSettlement({ ledger, table, timeoutMs });
      const limiter = createLimiter({ settlement, table, timeoutMs, withTimeout });
      counter = { ledger, table, settlement, limiter };
      counters.set(algorithm, counter);
    }
    return counter;
  }

  function register(name: string, rule: Rule, algorithm: AlgorithmName): Rule {
    const id = `${algorithm} ${name} ${rule.kind}`;
    const found = registry.get(id);
    if (found !== undefined) return found.rule;
    registry.set(id, { name, rule, counter: counterOf(algorithm) });
    return rule;
  }

  return {
    rateLimit(given, ...also) {
      const policies = [given, ...also].map(defineLimitPolicy);
      const behaviour = defineBehaviour(given, policies);
      const { algorithm } = behaviour;
      for (const { name, rules } of policies)
        if (name !== undefined)
          for (const rule of rules)
            if (!sameWindows(register(name, rule, algorithm), rule))
              throw new DefinitionError(
                "name",
                `"${name}" has other limits for ${rule.kind} elsewhere`,
              );
      const { limiter } = counterOf(algorithm);
      return createMiddleware({
        scopeOf,
        policies,
        behaviour,
        cost: given.cost ?? 1,
        identities,
        respond,
        register: (name, rule) => register(name, rule, algorithm),
        decide: limiter.decide,
      });
    },

    ...createInspection({ registered: () => registry.values() }),

    stats() {
      let [accounts, owing, forgiven, unknown] = [0, 0, 0, 0];
      for (const { table, settlement } of counters.values()) {
        const stats = table.stats();
        accounts += stats.accounts;
        owing += stats.owing;
        forgiven += stats.forgiven;
        unknown += settlement.unknown();
      }
      return { accounts, owing, forgiven, unknown };
    },
  };
}

function sameWindows(a: Rule, b: Rule): boolean {
  const shape = ({ windows, plans }: Rule): string => JSON.stringify([windows, [...plans]]);
  return shape(a) === shape(b);
}
