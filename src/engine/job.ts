import { ageOf, type Age, type Entry, type Loaded } from "../core/entry.ts";
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
  /** Told what could be served late, before the load begins. */
  readonly onHeld?: (held: Entry) => void;
  load(signal: AbortSignal, held: Entry | undefined): Promise<Loaded>;
  /** Where an entry stands for this reader; others may see it otherwise. */
  standing(entry: Entry, now: EpochMs): Age;
}

/** Whether an entry that stands so answers the job. A refresh wants a later one than it has. */
export function serves(entry: Entry, standing: Age, job: Job): boolean {
  if (job.purpose === "serve") return standing === "fresh" || standing === "revalidate";
  return standing === "fresh" && (job.held === undefined || entry.storedAt > job.held.storedAt);
}

/** Whether what another reader's load has brought answers this one, who may ask for more. */
export function suits(entry: Entry, job: Job): boolean {
  if (job.purpose === "serve" && job.standing === ageOf) return true;
  return serves(entry, job.standing(entry, job.ctx.now()), job);
}

/** What a walk through the tiers came to. */
export type Outcome =
  | {
      readonly kind: "found";
      readonly entry: Entry;
      readonly tier: Exclude<TierName, "memory">;
      readonly stale: boolean;
      /** An instant at which the value was current. */
      readonly since: EpochMs;
      readonly unreachable: boolean;
    }
  | {
      readonly kind: "loaded";
      readonly entry: Entry;
      /** By another isolate's leader. */
      readonly joined: boolean;
      readonly stored: boolean;
      readonly since: EpochMs;
    }
  | { readonly kind: "uncacheable" }
  | {
      readonly kind: "failed";
      readonly fault: Fault;
      /** The best that the tiers held past its time. */
      readonly fallback: Entry | undefined;
      readonly unreachable: boolean;
    };
