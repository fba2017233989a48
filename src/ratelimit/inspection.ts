/** Reads and resets the tokens that one identity has used. It is for operators. */
import type { Context } from "../core/context.ts";
import { DefinitionError } from "../core/faults.ts";
import type { Result } from "../core/result.ts";
import type { AccountTable } from "./account-table.ts";
import { balanceOf, charge } from "./bucket.ts";
import { addressIdentity } from "../core/client-address.ts";
import { windowStatuses, type RequestAccount } from "./decision.ts";
import type { Ledger, TakeResult } from "./ledger.ts";
import { IDENTITY_KINDS, windowsForPlan, type IdentityKind, type Rule } from "./limit-policy.ts";
import type { Balance } from "./window.ts";

/** The limits of one identity, and what is left of each. */
export interface LimitInfo {
  /** The identity, such as "ip:192.0.2.1", "ip:2001:db8:0:1::/64", "user:42" or "endpoint:GET /products/:id". */
  readonly identity: string;
  /** One member for each window that counts the identity. */
  readonly limits: readonly LimitState[];
}

export interface LimitState {
  /** The name of the window: "api-ip", or "api-ip-1m" if the policy has several windows. */
  readonly policy: string;
  /** The most tokens in the span. */
  readonly limit: number;
  readonly windowMs: number;
  /** The tokens that are left. */
  readonly remaining: number;
  /** The milliseconds until more tokens are left; 0 if no token is in use. */
  readonly resetMs: number;
}

export interface Inspection {
  /**
   * Reads what is left of every limit that counts this kind of identity: the balances in Redis,
   * less the tokens that this isolate has given on credit. It charges nothing.
   *
   * @param options.plan reads the limits of this plan. Default: those without a plan.
   * @throws {DefinitionError} if `identity` is malformed.
   */
  getLimitInfo(
    identity: string,
    ctx: Context,
    options?: { plan?: string },
  ): Promise<Result<LimitInfo>>;
  /**
   * Deletes what an identity has used. This isolate admits the identity at once. Other isolates
   * that remember a refusal ask Redis again after at most a minute.
   *
   * @throws {DefinitionError} if `identity` is malformed.
   */
  resetLimits(identity: string, ctx: Context): Promise<Result<LimitInfo>>;
}

/** A rule with its name, and with the ledger and the table that count it. */
export interface RegisteredRule {
  readonly name: string;
  readonly rule: Rule;
  readonly counter: { readonly ledger: Ledger; readonly table: AccountTable };
}

export interface InspectionOptions {
  readonly rules: () => Iterable<RegisteredRule>;
}

const MAX_IDENTITY_LENGTH = 256;

export function createInspection({ rules }: InspectionOptions): Inspection {
  /** Returns the accounts of an identity under every rule of its kind, grouped by the counter that counts them. */
  function accountsOf(
    { kind, value }: Identity,
    plan?: string,
  ): Map<RegisteredRule["counter"], RequestAccount[]> {
    const accounts = new Map<RegisteredRule["counter"], RequestAccount[]>();
    for (const { name, rule, counter } of rules()) {
      if (rule.kind !== kind) continue;
      const windows = plan === undefined ? rule.windows : windowsForPlan(rule, plan);
      const account = { policy: `${name}-${kind}`, key: `${name}:${kind}:${value}`, windows };
      accounts.set(counter, [...(accounts.get(counter) ?? []), account]);
    }
    return accounts;
  }

  async function getLimitInfo(
    text: string,
    ctx: Context,
    { plan }: { plan?: string } = {},
  ): Promise<Result<LimitInfo>> {
    const identity = parseIdentity(text);
    const limits: LimitState[] = [];
    for (const [{ ledger, table }, accounts] of accountsOf(identity, plan)) {
      const peeked = await ledger.peek(accounts, ctx);
      if (!peeked.ok) return peeked;
      const balances = balancesWithDebts(accounts, peeked.value, table);
      for (const { policy, balance } of windowStatuses(accounts, balances)) {
        const { window, remaining, resetMs } = balance;
        limits.push({ policy, limit: window.limit, windowMs: window.widthMs, remaining, resetMs });
      }
    }
    return { ok: true, value: { identity: `${identity.kind}:${identity.value}`, limits } };
  }

  return {
    getLimitInfo,

    async resetLimits(text, ctx) {
      const identity = parseIdentity(text);
      for (const [{ ledger, table }, accounts] of accountsOf(identity)) {
        const forgotten = await ledger.forget(accounts, ctx);
        if (!forgotten.ok) return forgotten;
        for (const { key } of accounts) table.forget(key);
      }
      return getLimitInfo(text, ctx);
    },
  };
}

/** Returns the ledger's balances, less the tokens that this isolate has given and the ledger has not confirmed. */
function balancesWithDebts(
  accounts: readonly RequestAccount[],
  peeked: TakeResult,
  table: AccountTable,
): readonly (readonly Balance[])[] {
  return accounts.map(({ key, windows }, i) => {
    const local = table.peek(key);
    const given = local === undefined ? 0 : local.debt + local.unconfirmed;
    const buckets = peeked.buckets?.[i];
    if (given === 0 || buckets === undefined) return peeked.balances[i] ?? [];
    return windows.map((window, w) =>
      balanceOf(charge(buckets[w]!, window, peeked.now, given), window, peeked.now, 0),
    );
  });
}

export interface Identity {
  readonly kind: IdentityKind;
  readonly value: string;
}

/**
 * Parses `ip:<address>`, `user:<id>` or `endpoint:<method> <pattern>`. A text without a kind is an
 * address if it can be parsed as one, and a user's id otherwise.
 *
 * @throws {DefinitionError} if the text is malformed.
 */
export function parseIdentity(text: string): Identity {
  const wrong = (why: string) => new DefinitionError("identity", why);
  if (text === "" || text.length > MAX_IDENTITY_LENGTH)
    throw wrong(`must have 1 to ${MAX_IDENTITY_LENGTH} characters`);
  const kind = IDENTITY_KINDS.find((one) => text.startsWith(`${one}:`));
  const value = kind === undefined ? text : text.slice(kind.length + 1);
  if (value === "") throw wrong(`must be ${kind}:<value>`);
  const address = addressIdentity(value.replace(/\/64$/, ""));
  if (kind === "ip" && address === undefined)
    throw wrong(`${JSON.stringify(value)} is not an address`);
  if (address !== undefined && (kind === "ip" || kind === undefined))
    return { kind: "ip", value: address };
  return { kind: kind ?? "user", value };
}
