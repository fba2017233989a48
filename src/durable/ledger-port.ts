import { outcomeOf, type AdmittedCall, type Defer } from "../core/breaker.ts";
import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import { done } from "../core/faults.ts";
import { shardOf } from "../core/hash.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import { balanceOf } from "../ratelimit/bucket.ts";
import type { Charge, Ledger, TakeRequest, TakeResult } from "../ratelimit/ledger.ts";
import type { OwnAlgorithm } from "../ratelimit/behaviour.ts";
import type { LedgerRpc } from "./ledger-rpc.ts";
import type { Taken } from "./ledger-table.ts";
import { attemptObject } from "./object-attempt.ts";
import type { BreakerOf } from "./object-breakers.ts";
import { placesByObject } from "./places.ts";

export interface LedgerPortOptions {
  /** Creates a stub for the object with this name. Each call needs a new one: it cannot be used again after an error. */
  readonly stub: (name: string) => LedgerRpc;
  /** The namespace. Each namespace has its own objects. */
  readonly namespace: string;
  /** The number of objects over which the accounts are distributed. */
  readonly shards: number;
  readonly algorithm: OwnAlgorithm;
  /** The time limit of one call. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
  readonly breakerOf: BreakerOf;
}

/** Accounts of one object, with their places among all accounts of a call. */
interface Part {
  readonly name: string;
  readonly places: readonly number[];
  readonly charges: readonly Charge[];
}

/** The accounts of one object after their charge. */
interface Charged {
  readonly part: Part;
  readonly taken: Taken;
}

/**
 * Implements `Ledger` with calls of the StrataLedger objects. A call is not repeated: it could charge
 * twice. Accounts of several objects cannot be charged in one transaction. So an object that admits more
 * requests than another one gets the tokens of the difference back, and all of them if another object fails.
 */
export function createDurableLedger(options: LedgerPortOptions): Ledger {
  const { stub, namespace, shards, algorithm, timeoutMs, withTimeout, breakerOf } = options;
  const objectOf = (key: string): string => ledgerObject(namespace, shardOf(key, shards));

  /** Asks the breakers of all objects before any object is called, so that none is charged in vain. */
  function begin(names: readonly string[], defer?: Defer): Result<readonly AdmittedCall[]> {
    const calls: AdmittedCall[] = [];
    for (const name of names) {
      const call = breakerOf(name).begin(defer);
      if (!call.ok) {
        for (const begun of calls) begun.end("ignored");
        return call;
      }
      calls.push(call.value);
    }
    return done(calls);
  }

  async function send<T>(
    call: AdmittedCall,
    work: () => Promise<T>,
    withinMs = timeoutMs,
  ): Promise<Result<T>> {
    const result = await attemptObject(work, withTimeout, withinMs);
    call.end(outcomeOf(result.ok ? undefined : result.fault));
    return result;
  }

  function partsOf(charges: readonly Charge[]): Part[] {
    const keys = charges.map(({ key }) => key);
    return [...placesByObject(keys, objectOf)].map(([name, places]) => ({
      name,
      places,
      charges: places.map((place) => charges[place]!),
    }));
  }

  /** Gives an object the tokens of the requests back that it has admitted beyond `admitted`. */
  async function giveBack(
    one: Charged,
    { cost }: TakeRequest,
    admitted: number,
    withinMs: Millis,
  ): Promise<Charged> {
    const { part, taken } = one;
    const { name, charges } = part;
    const tokens = (taken.admitted - admitted) * cost;
    if (tokens === 0) return one;
    const given = { charges, cost, tokens, chargedAt: taken.now };
    const call = begin([name]);
    if (!call.ok) return one;
    const [begun] = call.value;
    const left = await send(begun!, () => stub(name).giveBack(algorithm, given), withinMs);
    // Tokens that are not given back stay charged: the client may be refused too early.
    return left.ok ? { part, taken: left.value } : one;
  }

  async function takeOf(
    request: TakeRequest,
    ctx: Context,
    defer?: Defer,
  ): Promise<Result<TakeResult>> {
    const startedAt = ctx.now();
    const parts = partsOf(request.charges.map(inWholeMillis));
    const calls = begin(
      parts.map(({ name }) => name),
      defer,
    );
    if (!calls.ok) return calls;
    const answers = await Promise.all(
      parts.map(({ name, charges }, i) =>
        send(calls.value[i]!, () => stub(name).take(algorithm, { ...request, charges })),
      ),
    );
    const charged: Charged[] = [];
    for (const [i, answer] of answers.entries())
      if (answer.ok) charged.push({ part: parts[i]!, taken: answer.value });
    const evicted = charged.reduce((sum, { taken }) => sum + (taken.evicted ?? 0), 0);
    if (evicted > 0) ctx.emit({ type: "ledger.evict", accounts: evicted });
    const failure = answers.find((answer) => !answer.ok);
    if (failure !== undefined) {
      // The caller has waited for the object that failed. It does not wait for the others again.
      ctx.defer(Promise.all(charged.map((one) => giveBack(one, request, 0, timeoutMs))));
      return failure;
    }
    const admitted = Math.min(request.requests, ...charged.map(({ taken }) => taken.admitted));
    const leftMs = Math.max(1, timeoutMs - (ctx.now() - startedAt));
    const settled = await Promise.all(
      charged.map((one) => giveBack(one, request, admitted, leftMs)),
    );
    return done(merge(request, settled, admitted));
  }

  return {
    // A request does not wait for a probe of the breaker. An operator, who calls the others, may.
    take: (request, ctx) => takeOf(request, ctx, ctx.defer),
    peek: (accounts, ctx) => {
      const charges = accounts.map((account) => ({ ...account, debt: 0, debtAgeMs: 0 }));
      return takeOf({ charges, cost: 0, requests: 0 }, ctx);
    },
    async forget(accounts) {
      const keys = accounts.map(({ key }) => key);
      const parts = [...placesByObject(keys, objectOf)];
      const calls = begin(parts.map(([name]) => name));
      if (!calls.ok) return calls;
      const forgotten = await Promise.all(
        parts.map(([name, places], i) =>
          send(calls.value[i]!, () =>
            stub(name).forget(
              algorithm,
              places.map((place) => keys[place]!),
            ),
          ),
        ),
      );
      return forgotten.find((one) => !one.ok) ?? done(undefined);
    },
  };
}

/** Returns the name of the object that has the accounts of a shard. */
export function ledgerObject(namespace: string, shard: number): string {
  return `${namespace}-ledger-${shard}`;
}

/** Puts the answers of the objects in the order of the accounts. */
function merge(
  { charges, cost }: TakeRequest,
  charged: readonly Charged[],
  admitted: number,
): TakeResult {
  const balances: TakeResult["balances"][number][] = [];
  const buckets: NonNullable<TakeResult["buckets"]>[number][] = [];
  for (const { part, taken } of charged) {
    const { now, buckets: ownBuckets, balances: ownBalances } = taken;
    for (const [p, place] of part.places.entries()) {
      const list = ownBuckets?.[p];
      if (list !== undefined) buckets[place] = list;
      balances[place] =
        list === undefined
          ? (ownBalances?.[p] ?? [])
          : charges[place]!.windows.map((window, w) => balanceOf(list[w]!, window, now, cost));
    }
  }
  const now = Math.max(0, ...charged.map(({ taken }) => taken.now));
  return { admitted, now, balances, ...(buckets.length > 0 && { buckets }) };
}

function inWholeMillis(charge: Charge): Charge {
  return { ...charge, debtAgeMs: Math.max(0, Math.round(charge.debtAgeMs)) };
}
