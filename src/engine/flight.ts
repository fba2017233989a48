/** Coalescing within the isolate: one walk a key, however many readers. */
import type { Entry } from "../core/entry.ts";
import type { Coherence } from "./coherence.ts";
import type { Job, Outcome } from "./job.ts";
import type { Unshared } from "./unshared.ts";
import type { EpochMs, Millis } from "../core/time.ts";

interface Walking {
  readonly promise: Promise<Outcome>;
  readonly startedAt: EpochMs;
}

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
  const walks = new Map<string, Walking>();

  function start(job: Job): Promise<Outcome> {
    const promise = walk(job);
    const walking = { promise, startedAt: job.ctx.now() };
    walks.set(job.key, walking);
    const land = (): void => {
      if (walks.get(job.key) === walking) walks.delete(job.key);
    };
    // Followers wait for it even if the client that caused it goes away.
    job.ctx.defer(promise.then(land, land));
    return promise;
  }

  /** Whether what another read's walk found may answer this one. */
  async function mayUse(outcome: Outcome, walking: Walking, job: Job): Promise<boolean> {
    if (outcome.kind === "uncacheable") return false;
    if (outcome.kind === "failed") return true;
    if (walking.startedAt >= job.startedAt) return true;
    return holds(outcome.entry, walking, job);
  }

  async function holds(entry: Entry, walking: Walking, job: Job): Promise<boolean> {
    const recent = walking.startedAt >= job.startedAt - job.policy.coherenceMs;
    if (!recent) {
      const reach = await coherence.ready(job.startedAt, job.policy.coherenceMs, job.ctx);
      if (reach === "unreachable") return false;
    }
    const verdict = coherence.judge(entry);
    if (verdict === "valid" || verdict === "soft") return true;
    // An entry that no log vouches for is as good as the walk is young.
    return recent && (verdict === "unknown" || entry.era === "");
  }

  return {
    async resolve(job) {
      if (unshared.has(job.key, job.ctx.now())) return { outcome: await walk(job), own: true };
      // The second walk it meets began after this read did, and may always be used.
      for (let joins = 0; joins < 3; joins++) {
        const walking = walks.get(job.key);
        if (walking === undefined) break;
        let outcome: Outcome;
        try {
          outcome = await within(walking.promise, job.deadlineAt - job.ctx.now() - margin(job));
        } catch {
          // Its leader is stuck or gone: it must not take the others with it.
          if (walks.get(job.key) === walking) walks.delete(job.key);
          break;
        }
        if (await mayUse(outcome, walking, job)) return { outcome, own: false };
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
