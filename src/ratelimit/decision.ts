/** What becomes of a request, and what its caller may know. */
import type { Fault } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Account, Balance } from "./ledger.ts";

/** An account of a request, with the name of its policy. */
export interface Asked extends Account {
  readonly policy: string;
}

/** Where one policy stands. */
export interface Standing {
  /** The policy's name; of several windows each has its span behind it. */
  readonly policy: string;
  readonly balance: Balance;
}

export type Decision =
  | {
      readonly outcome: "allowed" | "refused";
      /** Who decided: the ledger, a lease of this isolate, its memory of a refusal, or it alone. */
      readonly by: "ledger" | "lease" | "memory" | "local";
      readonly standings: readonly Standing[];
      /** The ledger's time, as well as it is known. */
      readonly now: EpochMs;
      /** Why the isolate decided alone. */
      readonly fault?: Fault;
    }
  /** The ledger cannot be asked: "open" lets pass, "closed" does not. */
  | { readonly outcome: "open" | "closed"; readonly fault: Fault };

/** Names each window of each account. `balances` are in the order of the accounts. */
export function standingsOf(
  asked: readonly Asked[],
  balances: readonly (readonly Balance[])[],
): readonly Standing[] {
  const standings: Standing[] = [];
  for (const [i, { policy, windows }] of asked.entries())
    for (const balance of balances[i] ?? [])
      standings.push({
        policy: windowName(policy, windows.length, balance.window.label),
        balance,
      });
  return standings;
}

export function windowName(policy: string, windows: number, label: string): string {
  return windows > 1 ? `${policy}-${label}` : policy;
}

/** The standings that a request did not get past. */
export function violated(standings: readonly Standing[]): readonly Standing[] {
  return standings.filter(({ balance }) => balance.waitMs > 0);
}

/** How long until all of them let it pass; undefined if they never will. */
export function retryAfter(standings: readonly Standing[]): Millis | undefined {
  const waitMs = Math.max(0, ...standings.map(({ balance }) => balance.waitMs));
  return Number.isFinite(waitMs) ? waitMs : undefined;
}
