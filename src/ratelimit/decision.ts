/** The limiter's decision about a request. */
import type { Fault } from "../core/faults.ts";
import type { EpochMs } from "../core/time.ts";
import type { Account } from "./ledger.ts";
import type { Balance } from "./window.ts";

/** An account that counts a request, with the name of the account's policy, such as "api-ip". */
export interface RequestAccount extends Account {
  readonly policy: string;
}

export type Decision =
  | {
      readonly outcome: "allowed" | "refused";
      /**
       * The basis of the decision: the ledger's answer, a lease of this isolate, a refusal that it
       * remembers, or its own count while the ledger is unavailable.
       */
      readonly by: "ledger" | "lease" | "memory" | "local";
      /** The balances of each account of the request: one for each of the account's windows. */
      readonly balances: readonly (readonly Balance[])[];
      /** The ledger's time, estimated from its last answer. */
      readonly now: EpochMs;
      /** The fault for which the ledger was not asked, or did not answer. */
      readonly fault?: Fault;
    }
  /** The ledger is unavailable: "open" lets the request pass, "closed" refuses it. */
  | { readonly outcome: "open" | "closed"; readonly fault: Fault };

/** Returns the name of a window: the policy's name, followed by the span if the policy has several windows. */
export function windowName(policy: string, windows: number, label: string): string {
  return windows > 1 ? `${policy}-${label}` : policy;
}

/** The balance of one window, with the window's name. */
export interface WindowStatus {
  readonly policy: string;
  readonly balance: Balance;
}

/** Names each balance. `balances` are in the order of the accounts. */
export function windowStatuses(
  accounts: readonly RequestAccount[],
  balances: readonly (readonly Balance[])[],
): readonly WindowStatus[] {
  return accounts.flatMap(({ policy, windows }, i) =>
    (balances[i] ?? []).map((balance) => ({
      policy: windowName(policy, windows.length, balance.window.label),
      balance,
    })),
  );
}
