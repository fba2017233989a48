/** Limits failed attempts, such as wrong passwords. An attempt that succeeds takes no token. */
import type { Context as HonoContext, Env } from "hono";
import { createBoundedMap } from "../core/bounded-map.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Decision, RequestAccount } from "./decision.ts";
import { FREE, UNKNOWN, type Identities } from "./identity.ts";
import { defineLimitPolicy, type Rule } from "./limit-policy.ts";
import type { Limiter } from "./limiter.ts";
import type { LimitScope } from "./middleware.ts";
import { refuse, type ProblemParts } from "./refusal.ts";
import { parseLimit, type LimitText } from "./window.ts";

/** The options of `strata.rateLimits.limitFailures`. */
export interface FailureLimitOptions {
  /** The name under which failures are counted. */
  readonly name: string;
  /** The failures of one client address; for IPv6, of one /64. */
  readonly ip: LimitText;
  /** The failures of all addresses together. */
  readonly all: LimitText;
}

/** Counts the failures of one kind of attempt. `strata.rateLimits.limitFailures` makes it. */
export interface FailureLimit<E extends Env> {
  /**
   * Returns the refusal of a client that has no failure left; undefined if its attempt may be
   * checked. It counts nothing and does not ask Redis.
   */
  check(c: HonoContext<E>): ProblemParts | undefined;
  /**
   * Counts a failure. Returns the refusal if the failure was one too many. Call it in the same turn
   * of the event loop as `check`: attempts at the same time could otherwise exceed the limit.
   */
  fail(c: HonoContext<E>): Promise<ProblemParts | undefined>;
  /**
   * Notes a success. For an hour, the limit of all addresses then does not apply to this address,
   * so that an attacker with many addresses cannot shut it out.
   */
  succeed(c: HonoContext<E>): void;
}

export interface FailureLimitDependencies<E extends Env> {
  readonly scopeOf: (c: HonoContext<E>) => LimitScope;
  readonly identities: Identities;
  readonly register: (name: string, rule: Rule) => Rule;
  readonly limiter: Limiter;
}

const MAX_SUCCESSFUL = 1_000;
const SUCCESS_COUNTS_FOR_MS: Millis = 3_600_000;

/** One call of Redis serves all failures that come while it runs, and its refusal is remembered. */
const BEHAVIOUR: Behaviour = {
  mode: "fast",
  onUnavailable: "local",
  algorithm: "sliding-window",
  lease: 0.1,
};

/** @throws {DefinitionError} that names the wrong field. */
export function createFailureLimit<E extends Env>(
  options: FailureLimitOptions,
  { scopeOf, identities, register, limiter }: FailureLimitDependencies<E>,
): FailureLimit<E> {
  const { name } = options;
  const windowsOfAll = parseLimit(options.all, "all");
  const rules = defineLimitPolicy({ name, ip: options.ip }).rules.map((r) => register(name, r));
  const successful = createBoundedMap<string, EpochMs>(MAX_SUCCESSFUL);
  /** The failures of each account that wait for the ledger. */
  const waiting = new Map<string, number>();

  /** Returns the accounts that count the client; none for a client that is not counted. */
  function accountsOf(c: HonoContext<E>, now: EpochMs): readonly RequestAccount[] {
    const address = identities.address(c);
    if (address === FREE) return [];
    const all = { policy: `${name}-all`, windows: windowsOfAll, key: `${name}:all` };
    if (address === UNKNOWN) return [all];
    const own = rules.map(({ windows }) => ({
      policy: `${name}-ip`,
      windows,
      key: `${name}:ip:${address}`,
    }));
    const age = now - (successful.get(address) ?? Number.NEGATIVE_INFINITY);
    if (age >= 0 && age < SUCCESS_COUNTS_FOR_MS) return own;
    return [...own, all];
  }

  function wait(accounts: readonly RequestAccount[], change: 1 | -1): void {
    for (const { key } of accounts) {
      const count = (waiting.get(key) ?? 0) + change;
      if (count === 0) waiting.delete(key);
      else waiting.set(key, count);
    }
  }

  function refusalOf(
    decision: Decision,
    accounts: readonly RequestAccount[],
  ): ProblemParts | undefined {
    return decision.outcome === "refused"
      ? refuse(decision, accounts, (parts) => parts)
      : undefined;
  }

  return {
    check(c) {
      const { ctx } = scopeOf(c);
      for (const account of accountsOf(c, ctx.now())) {
        const cost = 1 + (waiting.get(account.key) ?? 0);
        const decision = limiter.peek([account], cost, ctx);
        if (decision !== undefined) return refusalOf(decision, [account]);
      }
      return undefined;
    },

    async fail(c) {
      const { ctx } = scopeOf(c);
      const accounts = accountsOf(c, ctx.now());
      if (accounts.length === 0) return undefined;
      const pending = limiter.decide(accounts, 1, BEHAVIOUR, ctx);
      if (!(pending instanceof Promise)) return refusalOf(pending, accounts);
      wait(accounts, 1);
      try {
        return refusalOf(await pending, accounts);
      } finally {
        wait(accounts, -1);
      }
    },

    succeed(c) {
      const address = identities.address(c);
      if (typeof address === "string") successful.set(address, scopeOf(c).ctx.now());
    },
  };
}
