/** A ledger in this process, with the arithmetic of the scripts and with faults that the test draws. */
import { done, failed } from "../../../src/core/faults.ts";
import {
  balanceOf,
  charge,
  emptyBucket,
  room,
  type Bucket,
} from "../../../src/ratelimit/bucket.ts";
import type { Ledger, TakeRequest, TakeResult } from "../../../src/ratelimit/ledger.ts";
import type { VirtualTime } from "../virtual-time.ts";

/** The fate of a call: answered, lost before or after the ledger charged it, or refused by a breaker. */
export type Fate = "answered" | "lost-before" | "lost-after" | "refused";

export interface ModelLedgerOptions {
  readonly time: VirtualTime;
  readonly latencyMs: () => number;
  readonly fate: () => Fate;
}

/** Tokens summed over accounts, by the fate of the call that carried them. */
export interface Tally {
  /** Charged, and the caller has the answer. */
  confirmed: number;
  /** The caller has no answer; the ledger charged them. */
  lostCharged: number;
  /** The caller has no answer; the ledger did not charge them. */
  lostUncharged: number;
}

export interface ModelLedger extends Ledger {
  readonly tally: Tally;
  /** All tokens ever charged to a key. */
  charged(key: string): number;
}

export function createModelLedger({ time, latencyMs, fate }: ModelLedgerOptions): ModelLedger {
  const accounts = new Map<string, Bucket[]>();
  const totals = new Map<string, number>();
  const tally: Tally = { confirmed: 0, lostCharged: 0, lostUncharged: 0 };

  function perform({ charges, cost, requests }: TakeRequest): TakeResult {
    const now = time.now();
    const indebted = charges.map(({ key, windows, debt, debtAgeMs }) =>
      windows.map((window, w) =>
        charge(accounts.get(key)?.[w] ?? emptyBucket(now), window, now, debt, debtAgeMs),
      ),
    );
    const rooms = charges.flatMap(({ windows }, i) =>
      windows.map((window, w) => Math.max(0, room(indebted[i]![w]!, window, now))),
    );
    const admitted =
      cost === 0 ? requests : Math.min(requests, Math.floor(Math.min(...rooms) / cost));
    const buckets = charges.map(({ key, windows, debt }, i) => {
      const after = windows.map((window, w) =>
        charge(indebted[i]![w]!, window, now, admitted * cost),
      );
      accounts.set(key, after);
      totals.set(key, (totals.get(key) ?? 0) + debt + admitted * cost);
      return after;
    });
    const balances = charges.map(({ windows }, i) =>
      windows.map((window, w) => balanceOf(buckets[i]![w]!, window, now, cost)),
    );
    return { admitted, now, balances, buckets };
  }

  const debtsOf = ({ charges }: TakeRequest): number =>
    charges.reduce((sum, { debt }) => sum + debt, 0);

  return {
    tally,
    charged: (key) => totals.get(key) ?? 0,

    async take(take) {
      const drawn = fate();
      await time.sleep(latencyMs());
      if (drawn === "refused") return failed("redis.open", "not sent");
      const asked = take.cost * take.requests * take.charges.length;
      if (drawn === "lost-before") {
        tally.lostUncharged += debtsOf(take) + asked;
        return failed("redis.timeout", "lost");
      }
      const taken = perform(take);
      const charged = debtsOf(take) + taken.admitted * take.cost * take.charges.length;
      await time.sleep(latencyMs());
      if (drawn === "answered") {
        tally.confirmed += charged;
        return done(taken);
      }
      tally.lostCharged += charged;
      tally.lostUncharged += debtsOf(take) + asked - charged;
      return failed("redis.timeout", "lost");
    },

    async peek(asked) {
      const charges = asked.map((account) => ({ ...account, debt: 0, debtAgeMs: 0 }));
      return done(perform({ charges, cost: 0, requests: 0 }));
    },
    async forget(asked) {
      for (const { key } of asked) accounts.delete(key);
      return done(undefined);
    },
  };
}
