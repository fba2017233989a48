/** Coalescing within the isolate: one walk a key, however many readers. */
import type { WithTimeout } from "../core/deadline.ts";
import { isDeadlineExceeded } from "../core/deadline.ts";
import { originFaultOf } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import {
  remaining,
  scopeOf,
  answersRequest,
  type LookupRequest,
  type LookupOutcome,
  type Read,
} from "./lookup-request.ts";
import { validateShared } from "./validation.ts";
import type { HitForMiss } from "./hit-for-miss.ts";

interface RunningLookup {
  readonly promise: Promise<LookupOutcome>;
  readonly startedAt: EpochMs;
  /** Who has not landed by then never will: the platform ended it with its request. */
  readonly endsAt: EpochMs;
}

export interface Resolved {
  readonly outcome: LookupOutcome;
  /** This read's own walk came to it. */
  readonly own: boolean;
}

export interface Coalescer {
  /** The outcome of a walk that this read may use: one that is under way, or its own. */
  resolve(job: LookupRequest): Promise<Resolved>;
  /** Starts a walk that nobody waits for. False if one is under way. */
  startDetached(job: LookupRequest): boolean;
  /** Whether a walk is under way that a reader of this key would wait for. */
  isRunning(key: string, now: EpochMs): boolean;
  /**
   * The outcome of a walk that is under way. If none serves this read, what
   * `otherwise` gives: it is called in the very turn in which that shows, so
   * that what it registers is seen by all who find out next.
   */
  follow<T extends object>(
    read: Read,
    otherwise: () => T,
    accepts?: (outcome: SharedOutcome) => boolean,
  ): Promise<SharedOutcome | T>;
  /** Registers a walk that somebody else runs for this read. */
  register(read: Read, promise: Promise<LookupOutcome>): void;
}

export type SharedOutcome = Exclude<LookupOutcome, { readonly kind: "uncacheable" }>;

export interface CoalescerOptions {
  readonly unshared: HitForMiss;
  readonly walk: (job: LookupRequest) => Promise<LookupOutcome>;
  readonly coherence: Coherence;
  readonly withTimeout: WithTimeout;
}

/** Walks a reader waits for; the second it meets began after it did, and may always be used. */
const MAX_JOINS = 3;
/** What a walk that is alive may take beside its load. */
const WALK_MS: Millis = 1_000;
/** When the map is swept of walks that will never land. */
const SWEEP_AT = 1_000;

export function createCoalescer({
  walk,
  coherence,
  unshared,
  withTimeout,
}: CoalescerOptions): Coalescer {
  const walks = new Map<string, RunningLookup>();

  function register(read: Read, promise: Promise<LookupOutcome>): void {
    const { key, ctx, deadlineAt } = read;
    if (walks.size >= SWEEP_AT) sweep(ctx.now());
    const walking = { promise, startedAt: ctx.now(), endsAt: deadlineAt };
    walks.set(key, walking);
    // Followers wait for it even if the client that caused it goes away.
    ctx.defer(promise.finally(() => forget(key, walking)));
  }

  function start(job: LookupRequest): Promise<LookupOutcome> {
    const promise = walk(job);
    register(job, promise);
    return promise;
  }

  function forget(key: string, walking: RunningLookup): void {
    if (walks.get(key) === walking) walks.delete(key);
  }

  function walkingFor(key: string, now: EpochMs): RunningLookup | undefined {
    const walking = walks.get(key);
    if (walking === undefined || isAlive(walking, now)) return walking;
    walks.delete(key);
    return undefined;
  }

  function sweep(now: EpochMs): void {
    for (const [key, walking] of walks) if (!isAlive(walking, now)) walks.delete(key);
  }

  /** What another read's walk found, if it may answer this one. */
  async function usable(outcome: LookupOutcome, read: Read): Promise<SharedOutcome | undefined> {
    if (outcome.kind === "uncacheable") return undefined;
    if (outcome.kind === "failed") return outcome;
    const { entry, since, unreachable: marked } = outcome;
    const judged = await validateShared(coherence, entry, since, read, marked);
    const stale = outcome.kind === "found" && judged?.age === "revalidate";
    if (judged === undefined || (judged.age !== "fresh" && !stale)) return undefined;
    const { unreachable } = judged;
    return outcome.kind === "found"
      ? { ...outcome, unreachable, stale }
      : { ...outcome, unreachable };
  }

  async function follow<T extends object>(
    read: Read,
    otherwise: () => T,
    accepts: (outcome: SharedOutcome) => boolean = () => true,
  ): Promise<SharedOutcome | T> {
    const { key, policy, ctx } = read;
    // Whoever waits for a walk that never ends must have time left to load by itself.
    let patienceMs = policy.originTimeoutMs + WALK_MS;
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const walking = walkingFor(key, ctx.now());
      if (walking === undefined) break;
      try {
        const outcome = await withTimeout(walking.promise, Math.min(patienceMs, remaining(read)));
        if (joins === 0 && overran(outcome)) {
          patienceMs = Infinity;
          continue;
        }
        const mine = await usable(outcome, read);
        if (mine !== undefined && accepts(mine)) return mine;
        // Results that may not be shared are not worth waiting for twice.
        if (outcome.kind === "uncacheable") break;
      } catch {
        // Its leader is stuck or gone. The first to find out overtakes; the others follow that one.
        forget(key, walking);
        patienceMs = Infinity;
      }
    }
    return otherwise();
  }

  /** Joins walks that are under way, or walks. */
  async function join(job: LookupRequest): Promise<Resolved> {
    const { key, ctx } = job;
    const alone = (): boolean => scopeOf(job) === "off" || unshared.has(key, ctx.now());
    let { staleEntry: held } = job;
    const begin = () => ({ own: (alone() ? walk : start)({ ...job, staleEntry: held }) });
    const accepts = (outcome: SharedOutcome): boolean => {
      if (outcome.kind === "failed" || answersRequest(outcome.entry, job)) return true;
      // Not what this reader asks for, and what its own load can confirm.
      held = outcome;
      return false;
    };
    const led = alone() ? begin() : await follow(job, begin, accepts);
    return "own" in led ? { outcome: await led.own, own: true } : { outcome: led, own: false };
  }

  return {
    follow,
    register,
    isRunning: (key, now) => walkingFor(key, now) !== undefined,

    async resolve(job) {
      try {
        // A wait here and a wait there add up; a reader's patience does not.
        return await withTimeout(join(job), remaining(job));
      } catch (error) {
        if (!isDeadlineExceeded(error)) throw error;
        const outcome = {
          kind: "failed",
          fault: originFaultOf(error),
          fallback: job.staleEntry,
        } as const;
        return { outcome, own: false };
      }
    },

    startDetached(job) {
      if (walkingFor(job.key, job.ctx.now()) !== undefined) return false;
      void start(job);
      return true;
    },
  };
}

function isAlive({ startedAt, endsAt }: RunningLookup, now: EpochMs): boolean {
  // A start in the future is a clock that was set back.
  return now >= startedAt && now < endsAt;
}

/** The load hung, and not every load need: the first to find out tries once more. */
function overran(outcome: LookupOutcome): boolean {
  return outcome.kind === "failed" && outcome.fault.code === "origin.timeout";
}
