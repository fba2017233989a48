/** Coalescing within the isolate: one walk a key, however many readers. */
import { fault } from "../core/faults.ts";
import type { Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import { suits, type Job, type Outcome } from "./job.ts";
import type { Unshared } from "./unshared.ts";
import { mayAnswer } from "./vouch.ts";

export interface Resolved {
  readonly outcome: Outcome;
  /** This read's own walk came to it. */
  readonly own: boolean;
}

export interface Coalescer {
  /** The outcome of a walk that this read may use: one that is under way, or its own. */
  resolve(job: Job): Promise<Resolved>;
  /** Starts a walk unless one is under way. Nobody waits for it. */
  kick(job: Job): void;
}

export interface CoalescerOptions {
  readonly unshared: Unshared;
  readonly walk: (job: Job) => Promise<Outcome>;
  readonly coherence: Coherence;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

/** What a read may spend beyond the time of two loads: another's and its own. */
const SLACK_MS: Millis = 1_000;
/** The second walk that a read meets began after it did, and may always be used. */
const MAX_JOINS = 3;

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

  /** Joins walks that are under way, or walks. */
  async function join(reader: Job): Promise<Resolved> {
    let job = reader;
    if (unshared.has(job.key, job.ctx.now())) return { outcome: await walk(job), own: true };
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const walking = walks.get(job.key);
      if (walking === undefined) break;
      let outcome: Outcome;
      try {
        outcome = await within(walking, job.policy.originTimeoutMs);
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
  }

  return {
    async resolve(job) {
      try {
        // A wait here and a wait there add up; a reader's patience does not.
        return await within(join(job), 2 * job.policy.originTimeoutMs + SLACK_MS);
      } catch (error) {
        if (!(error instanceof Error && error.name === "DeadlineExceeded")) throw error;
        const cause = fault("origin.timeout", error.message);
        const { held: fallback, logReachable } = job;
        const unreachable = !logReachable;
        return { outcome: { kind: "failed", fault: cause, fallback, unreachable }, own: false };
      }
    },

    kick(job) {
      if (!walks.has(job.key)) void start(job);
    },
  };
}
