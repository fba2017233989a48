/** The rate limits of one isolate. It makes limiters, and inspects and resets identities. */
import type { Context as HonoContext, Env, MiddlewareHandler } from "hono";
import type { WithTimeout } from "../core/deadline.ts";
import { DefinitionError } from "../core/faults.ts";
import type { FieldNames } from "../core/header-families.ts";
import type { Millis } from "../core/time.ts";
import { createAccountTable, type AccountTable } from "./account-table.ts";
import { defineBehaviour, type AlgorithmName, type BehaviourOptions } from "./behaviour.ts";
import {
  createFailureLimit,
  type FailureLimit,
  type FailureLimitOptions,
} from "./failure-limit.ts";
import type { Identities, User } from "./identity.ts";
import { createInspection, type Inspection, type RegisteredRule } from "./inspection.ts";
import type { Ledger } from "./ledger.ts";
import { defineLimitPolicy, type LimitOptions, type Rule } from "./limit-policy.ts";
import { createLimiter, type Limiter } from "./limiter.ts";
import { createMiddleware, type AnswerPort, type Cost, type LimitScope } from "./middleware.ts";
import type { Respond } from "./refusal.ts";
import { createSettlement, type Settlement } from "./settlement.ts";

/** The options of `strata.rateLimits.rateLimit`. */
export interface RateLimitOptions extends LimitOptions, BehaviourOptions {
  /**
   * The tokens that a request takes, 1 or more, or a function of the request that returns them.
   * Default 1. If the function returns 0, the request takes nothing and its response still has the
   * rate-limit fields.
   */
  readonly cost?: Cost;
  /**
   * Whether a caller without an API key counts as the user of its session. A request with a session cookie then
   * costs one command of Redis. Default false: this limiter does not look at sessions.
   */
  readonly sessions?: boolean;
}

/** The rate limits of one isolate: `strata.rateLimits`. */
export interface RateLimits<E extends Env> extends Inspection {
  /**
   * Makes a middleware that limits the requests of each identity. All limits of a request are
   * checked at one instant: the request takes its tokens from all accounts, or from none.
   *
   * @param also further limits, checked together with the first, with the behaviour of the first.
   * @throws {DefinitionError} when it is defined; the error names the wrong field.
   * @example
   * const { rateLimit } = strata.rateLimits;
   * app.use(rateLimit({ ip: "100/1m", user: ["10/1s", "1000/1h"], mode: "fast" }));
   */
  rateLimit(options: RateLimitOptions, ...also: readonly LimitOptions[]): MiddlewareHandler<E>;
  /**
   * Limits the failed attempts of one kind, such as wrong passwords. Redis counts them for all
   * isolates; without Redis each isolate counts its own.
   *
   * @throws {DefinitionError} that names the wrong field.
   * @example
   * const signIns = strata.rateLimits.limitFailures({ name: "sign-in", ip: "10/1m", all: "100/1m" });
   * app.post("/sign-in", async (c) => {
   *   const refused = signIns.check(c);
   *   if (refused !== undefined) return problem(refused);
   *   if (c.req.header("X-Password") === "the right one") {
   *     signIns.succeed(c);
   *     return c.text("signed in");
   *   }
   *   const last = await signIns.fail(c);
   *   return last === undefined ? c.text("wrong password", 401) : problem(last);
   * });
   */
  limitFailures(options: FailureLimitOptions): FailureLimit<E>;
  /**
   * Returns the user that the API key of the request identifies; undefined without a known key. The
   * limits of the kind `user` count the same user.
   */
  userOf(c: HonoContext<E>): Promise<User | undefined>;
  /** Returns the number of accounts in memory, and the numbers of tokens that may not have been charged. */
  stats(): RateLimitStats;
}

/** The numbers of one isolate's rate limiter. */
export interface RateLimitStats {
  /** The number of accounts in memory. */
  readonly accounts: number;
  /** The number of accounts with tokens on credit that Redis does not know of yet. Evicted accounts are included. */
  readonly owing: number;
  /** The number of tokens on credit that will never be charged, because too many accounts had a debt. */
  readonly forgiven: number;
  /** The number of tokens in calls with an unknown outcome: Redis may or may not have charged them. */
  readonly unknown: number;
}

export interface RateLimitsOptions<E extends Env> {
  readonly scopeOf: (c: HonoContext<E>) => LimitScope;
  readonly ledgerOf: (algorithm: AlgorithmName) => Ledger;
  readonly identities: Identities;
  readonly respond: Respond;
  readonly answers: AnswerPort;
  /** The names of the fields that limiters set. Default: both. */
  readonly fields?: FieldNames;
  readonly withTimeout: WithTimeout;
  /** The time limit of each call of a ledger. */
  readonly timeoutMs: Millis;
  /** The most accounts that the isolate remembers for each algorithm. */
  readonly maxAccounts: number;
}

/** The ledger, the table and the limiter of one algorithm. */
interface Counter {
  readonly ledger: Ledger;
  readonly table: AccountTable;
  readonly settlement: Settlement;
  readonly limiter: Limiter;
}

export function createRateLimits<E extends Env>(options: RateLimitsOptions<E>): RateLimits<E> {
  const { scopeOf, ledgerOf, identities, withTimeout, timeoutMs, maxAccounts } = options;
  const { respond, answers, fields = "both" } = options;
  const counters = new Map<AlgorithmName, Counter>();
  const registry = new Map<string, RegisteredRule>();

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

  /**
   * Returns the first rule that was registered with this name, kind and algorithm, so that later
   * limiters share its windows.
   */
  function register(name: string, rule: Rule, algorithm: AlgorithmName): Rule {
    const id = `${algorithm} ${name} ${rule.kind}`;
    const found = registry.get(id);
    if (found !== undefined) return found.rule;
    registry.set(id, { name, rule, counter: counterOf(algorithm) });
    return rule;
  }

  return {
    rateLimit(options, ...also) {
      const policies = [options, ...also].map(defineLimitPolicy);
      const behaviour = defineBehaviour(options, policies);
      const { algorithm } = behaviour;
      for (const { name, rules } of policies)
        if (name !== undefined)
          for (const rule of rules)
            if (!hasSameWindows(register(name, rule, algorithm), rule))
              throw new DefinitionError(
                "name",
                `"${name}" has other limits for ${rule.kind} elsewhere; one name must have one set of limits`,
              );
      const { limiter } = counterOf(algorithm);
      return createMiddleware({
        scopeOf,
        policies,
        behaviour,
        cost: options.cost ?? 1,
        identities,
        respond,
        answers,
        fields,
        register: (name, rule) => register(name, rule, algorithm),
        decide: limiter.decide,
        peek: limiter.peek,
        sessions: options.sessions ?? false,
      });
    },

    limitFailures: (options) =>
      createFailureLimit(options, {
        scopeOf,
        identities,
        register: (name, rule) => register(name, rule, "sliding-window"),
        limiter: counterOf("sliding-window").limiter,
      }),

    userOf: async (c) => identities.user(c),

    ...createInspection({ rules: () => registry.values() }),

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

function hasSameWindows(a: Rule, b: Rule): boolean {
  const shape = ({ windows, plans }: Rule): string => JSON.stringify([windows, [...plans]]);
  return shape(a) === shape(b);
}
