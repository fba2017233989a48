/** What operators may know and do about one identity. */
import { DefinitionError } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import { addressIdentity } from "./client-address.ts";
import { balanceOf } from "./balance.ts";
import { charge } from "./bucket.ts";
import { standingsOf, type Asked } from "./decision.ts";
import type { Balance, Ledger, Taken } from "./ledger.ts";
import type { AccountTable } from "./accounts.ts";
import { IDENTITY_KINDS, windowsFor, type IdentityKind, type Rule } from "./limit-policy.ts";

/** An identity as its owner or an operator sees it. */
export interface LimitInfo {
  /** "ip:192.0.2.1", "ip:2001:db8:0:1::/64", "user:42", "endpoint:GET /products/:id" */
  readonly identity: string;
  readonly limits: readonly LimitState[];
}

export interface LimitState {
  readonly policy: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly remaining: number;
  /** Milliseconds until there is more; 0 if nothing is used. */
  readonly resetMs: number;
}

export interface Inspection {
  /**
   * Where an identity stands under every policy that counts its kind: what Redis
   * knows, and what this isolate has given on credit. Charges nothing.
   *
   * @throws {DefinitionError} if `identity` is none.
   */
  getLimitInfo(
    identity: string,
    ctx: Context,
    options?: { plan?: string },
  ): Promise<Result<LimitInfo>>;
  /**
   * Forgets what an identity has used. Isolates that refuse it learn of it within a
   * minute; this one does at once.
   *
   * @throws {DefinitionError} if `identity` is none.
   */
  resetLimits(identity: string, ctx: Context): Promise<Result<LimitInfo>>;
}

/** A rule in its place. */
export interface Registered {
  readonly name: string;
  readonly rule: Rule;
  readonly counter: { readonly ledger: Ledger; readonly table: AccountTable };
}

export interface InspectionOptions {
  readonly registered: () => Iterable<Registered>;
}

const MAX_IDENTITY_LENGTH = 256;

export function createInspection({ registered }: InspectionOptions): Inspection {
  /** What Redis has for these accounts, with the debts of this isolate. */
  function withDebts(
    asked: readonly Asked[],
    taken: Taken,
    table: AccountTable,
  ): readonly (readonly Balance[])[] {
    return asked.map(({ key, windows }, i) => {
      const known = table.peek(key);
      const given = known === undefined ? 0 : known.debt + known.flying;
      const buckets = taken.buckets?.[i];
      if (given === 0 || buckets === undefined) return taken.balances[i] ?? [];
      return windows.map((window, w) =>
        balanceOf(charge(buckets[w]!, window, taken.now, given), window, taken.now, 0),
      );
    });
  }

  function matching(identity: Identity, plan?: string): { asked: Asked; registered: Registered }[] {
    return [...registered()]
      .filter(({ rule }) => rule.kind === identity.kind)
      .map((one) => ({
        registered: one,
        asked: {
          policy: `${one.name}-${identity.kind}`,
          key: `${one.name}:${identity.kind}:${identity.value}`,
          windows: windowsFor(one.rule, plan),
        },
      }));
  }

  async function getLimitInfo(
    text: string,
    ctx: Context,
    { plan }: { plan?: string } = {},
  ): Promise<Result<LimitInfo>> {
    const identity = parseIdentity(text);
    const limits: LimitState[] = [];
    for (const [counter, asked] of byCounter(matching(identity, plan))) {
      const taken = await counter.ledger.peek(asked, ctx);
      if (!taken.ok) return taken;
      for (const { policy, balance } of standingsOf(
        asked,
        withDebts(asked, taken.value, counter.table),
      )) {
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
      for (const [counter, asked] of byCounter(matching(identity))) {
        const done = await counter.ledger.forget(asked, ctx);
        if (!done.ok) return done;
        for (const { key } of asked) counter.table.forget(key);
      }
      return getLimitInfo(text, ctx);
    },
  };
}

function byCounter(
  matches: readonly { asked: Asked; registered: Registered }[],
): Map<Registered["counter"], Asked[]> {
  const groups = new Map<Registered["counter"], Asked[]>();
  for (const { asked, registered } of matches) {
    const group = groups.get(registered.counter) ?? [];
    group.push(asked);
    groups.set(registered.counter, group);
  }
  return groups;
}

export interface Identity {
  readonly kind: IdentityKind;
  readonly value: string;
}

/**
 * Reads `ip:<address>`, `user:<id>` or `endpoint:<method> <pattern>`. Without a
 * kind an address is an address, and anything else a user.
 *
 * @throws {DefinitionError} if it is none of them.
 */
export function parseIdentity(text: string): Identity {
  const wrong = (why: string) => new DefinitionError("identity", why);
  if (text === "" || text.length > MAX_IDENTITY_LENGTH)
    throw wrong(`must have 1 to ${MAX_IDENTITY_LENGTH} characters`);
  const kind = IDENTITY_KINDS.find((one) => text.startsWith(`${one}:`));
  const value = kind === undefined ? text : text.slice(kind.length + 1);
  if (value === "") throw wrong(`must be ${kind}:<value>`);
  const address = value === "none" ? value : addressIdentity(value.replace(/\/64$/, ""));
  if (kind === "ip" && address === undefined) throw wrong(`${JSON.stringify(value)} is no address`);
  if (kind === "ip" || (kind === undefined && address !== undefined && value !== "none"))
    return { kind: "ip", value: address ?? value };
  return { kind: kind ?? "user", value };
}
