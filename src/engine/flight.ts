/** Coalescing within the isolate: one walk a key, however many readers. */
import type { Coherence } from "./coherence.ts";
import { suits, type Job, type Outcome } from "./job.ts";
import type { Unshared } from "./unshared.ts";
import { mayAnswer } from "./vouch.ts";
import type { Millis } from "../core/time.ts";

export interface Coalescer {
  /** The outcome of a walk that this read may use: one that is under way, or its own. */
  resolve(job: Job): Promise<{ outcome: Outcome; own: boolean }>;
  /** Starts a walk unless one is under way. Nobody waits for it. */
  kick(job: Job): void;
}

export interface CoalescerOptions {
  readonly unshared: Unshared;
  readonly walk: (job: Job) => Promise<Outcome>;
  readonly coherence: Coherence;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

export function createCoalescer({
  walk,
  coherence,
  unshared,
  within,
}: CoalescerOptions): Coalescer {
  const walks = new Map<string, Promise<Outcome>>();

  function start(job: Job): Promise<Outcome> {
    const walking = walk(job);
    walks.set(job.key, walking);
    const land = (): void => {
      if (walks.get(job.key) === walking) walks.delete(job.key);
    };
    // Followers wait for it even if the client that caused it goes away.
    job.ctx.defer(walking.then(land, land));
    return walking;
  }

  /** Whether what another read's walk found may answer this one. */
  function mayUse(outcome: Outcome, job: Job): boolean | Promise<boolean> {
    if (outcome.kind === "uncacheable") return false;
    if (outcome.kind === "failed") return true;
    // Marked as outside the guarantee, and handed on with the mark.
    if (outcome.kind === "found" && outcome.unreachable) return true;
    return mayAnswer(coherence, outcome.entry, outcome.since, job);
  }

  return {
    async resolve(reader) {
      let job = reader;
      if (unshared.has(job.key, job.ctx.now())) return { outcome: await walk(job), own: true };
      // The second walk it meets began after this read did, and may always be used.
      for (let joins = 0; joins < 3; joins++) {
        const walking = walks.get(job.key);
        if (walking === undefined) break;
        let outcome: Outcome;
        try {
          outcome = await within(walking, job.deadlineAt - job.ctx.now() - margin(job));
        } catch {
          // Its leader is stuck or gone: it must not take the others with it.
          if (walks.get(job.key) === walking) walks.delete(job.key);
          break;
        }
        if (await mayUse(outcome, job)) {
          if (!("entry" in outcome) || suits(outcome.entry, job)) return { outcome, own: false };
          // Not what this reader asks for, and what its own load can confirm.
          job = { ...job, held: outcome.entry };
        }
        // Results that may not be shared are not worth waiting for twice.
        if (outcome.kind === "uncacheable") return { outcome: await walk(job), own: true };
      }
      return { outcome: await start(job), own: true };
    },

    kick(job) {
      if (walks.has(job.key)) return;
      void start(job);
    },
  };
}

/** What a read keeps back to load by itself when the walk it waits for never ends. */
function margin(job: Job): Millis {
  return job.policy.originTimeoutMs;
}
