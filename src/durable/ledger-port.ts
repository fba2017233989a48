import type { Context } from "../core/context.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import { done, failed, messageOf } from "../core/faults.ts";
import { shardOf } from "../core/hash.ts";
import type { Result } from "../core/result.ts";
import type { Millis } from "../core/time.ts";
import { balanceOf } from "../ratelimit/bucket.ts";
import type { Charge, Ledger, TakeRequest, TakeResult } from "../ratelimit/ledger.ts";
import type { LedgerRpc } from "./ledger-rpc.ts";
import type { DurableAlgorithm, Taken } from "./ledger-table.ts";
import { placesByObject } from "./places.ts";

export interface LedgerPortOptions {
  /** Creates a stub for the object with this name. Each call needs a new one: it cannot be used again after an error. */
  readonly stub: (name: string) => LedgerRpc;
  /** The namespace. Each namespace has its own objects. */
  readonly namespace: string;
  /** The number of objects over which the accounts are distributed. */
  readonly shards: number;
  readonly algorithm: DurableAlgorithm;
  /** The time limit of one call. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Accounts of one object, with their places among all accounts of a call. */
interface Part {
  readonly name: string;
  readonly places: readonly number[];
  readonly charges: readonly Charge[];
}

/**
 * Implements `Ledger` with calls of the StrataLedger objects. A call is not repeated: it could charge
 * twice. Accounts of several objects cannot be charged in one transaction. So an object that admits more
 * requests than another one gets the tokens of the difference back.
 */
export function createDurableLedger(options: LedgerPortOptions): Ledger {
  const { stub, namespace, shards, algorithm, timeoutMs, withTimeout } = options;
  const objectOf = (key: string): string => ledgerObject(namespace, shardOf(key, shards));

  async function attempt<T>(work: () => Promise<T>, withinMs = timeoutMs): Promise<Result<T>> {
    try {
      return done(await withTimeout(work(), withinMs));
    } catch (error) {
      return failed(
        isDeadlineExceeded(error) ? "store.timeout" : "store.unavailable",
        messageOf(error),
      );
    }
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
    { name, charges }: Part,
    taken: Taken,
    { cost }: TakeRequest,
    admitted: number,
    withinMs: Millis,
  ): Promise<Taken> {
    const tokens = (taken.admitted - admitted) * cost;
    if (tokens === 0) return taken;
    const given = { charges, cost, tokens, chargedAt: taken.now };
    const left = await attempt(() => stub(name).giveBack(algorithm, given), withinMs);
    // Tokens that are not given back stay charged: the client may be refused too early.
    return left.ok ? left.value : taken;
  }

  async function take(request: TakeRequest, ctx: Context): Promise<Result<TakeResult>> {
    const startedAt = ctx.now();
    const parts = partsOf(request.charges.map(inWholeMillis));
    const answers = await Promise.all(
      parts.map(({ name, charges }) =>
        attempt(() => stub(name).take(algorithm, { ...request, charges })),
      ),
    );
    const taken: Taken[] = [];
    for (const answer of answers)
      if (answer.ok) taken.push(answer.value);
      else return answer;
    const admitted = Math.min(request.requests, ...taken.map((one) => one.admitted));
    const leftMs = Math.max(1, timeoutMs - (ctx.now() - startedAt));
    const settled = await Promise.all(
      parts.map((part, i) => giveBack(part, taken[i]!, request, admitted, leftMs)),
    );
    return done(merge(request, parts, settled, admitted));
  }

  return {
    take,
    peek: (accounts, ctx) => {
      const charges = accounts.map((account) => ({ ...account, debt: 0, debtAgeMs: 0 }));
      return take({ charges, cost: 0, requests: 0 }, ctx);
    },
    forget: (accounts) =>
      attempt(async () => {
        const keys = accounts.map(({ key }) => key);
        await Promise.all(
          [...placesByObject(keys, objectOf)].map(([name, places]) =>
            stub(name).forget(
              algorithm,
              places.map((place) => keys[place]!),
            ),
          ),
        );
      }),
  };
}

/** Returns the name of the object that has the accounts of a shard. */
export function ledgerObject(namespace: string, shard: number): string {
  return `${namespace}-ledger-${shard}`;
}

/** Puts the answers of the objects in the order of the accounts. */
function merge(
  { charges, cost }: TakeRequest,
  parts: readonly Part[],
  taken: readonly Taken[],
  admitted: number,
): TakeResult {
  const balances: TakeResult["balances"][number][] = [];
  const buckets: NonNullable<TakeResult["buckets"]>[number][] = [];
  for (const [i, { places }] of parts.entries()) {
    const { now, buckets: ownBuckets, balances: ownBalances } = taken[i]!;
    for (const [p, place] of places.entries()) {
      const list = ownBuckets?.[p];
      if (list !== undefined) buckets[place] = list;
      balances[place] =
        list === undefined
          ? (ownBalances?.[p] ?? [])
          : charges[place]!.windows.map((window, w) => balanceOf(list[w]!, window, now, cost));
    }
  }
  const now = Math.max(0, ...taken.map((one) => one.now));
  return { admitted, now, balances, ...(buckets.length > 0 && { buckets }) };
}

function inWholeMillis(charge: Charge): Charge {
  return { ...charge, debtAgeMs: Math.max(0, Math.round(charge.debtAgeMs)) };
}
