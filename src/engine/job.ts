import type { Entry, Loaded } from "../core/entry.ts";
import type { Fault } from "../core/faults.ts";
import type { Policy, TierName } from "../core/policy.ts";
import type { Context } from "../core/ports.ts";
import type { EpochMs } from "../core/time.ts";

/** One read on its way outward. */
export interface Job {
  readonly key: string;
  readonly policy: Policy;
  readonly ctx: Context;
  readonly startedAt: EpochMs;
  /** After this instant the reader wants an answer, whatever it is. */
  readonly deadlineAt: EpochMs;
  /** `refresh` wants a fresh value; `serve` takes a stale one while a refresh runs. */
  readonly purpose: "serve" | "refresh";
  /** A valid entry past its time: to be confirmed by the origin, or served if it fails. */
  readonly held: Entry | undefined;
  /** False if this read has already found the log unreachable. */
  readonly logReachable: boolean;
  load(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
}

/** What a walk through the tiers came to. */
export type Outcome =
  | {
      readonly kind: "found";
      readonly entry: Entry;
      readonly tier: Exclude<TierName, "memory">;
      readonly stale: boolean;
      readonly unreachable: boolean;
    }
  | {
      readonly kind: "loaded";
      readonly entry: Entry;
      /** By another isolate's leader. */
      readonly joined: boolean;
      readonly stored: boolean;
    }
  | { readonly kind: "uncacheable" }
  | {
      readonly kind: "failed";
      readonly fault: Fault;
      /** The best that the tiers held past its time. */
      readonly fallback: Entry | undefined;
      readonly unreachable: boolean;
    };
