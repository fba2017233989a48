/** Coalescing inside the isolate: all lookups of one key share one run of the steps behind memory. */
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { Entry } from "../core/entry.ts";
import { originFaultOf } from "../core/faults.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import { timeWait } from "../core/timed-step.ts";
import { afterWait, patienceOf, remaining, scopeOf, sharesFailure } from "./lookup-request.ts";
import type { LookupOutcome, LookupRequest, Read } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import { answersRequest } from "./validation.ts";
import type { Validator } from "./validator.ts";

/** The steps behind memory. */
export type RunLookup = (request: LookupRequest) => Promise<LookupOutcome>;

interface RunningLookup {
  readonly promise: Promise<LookupOutcome>;
  readonly purpose: LookupRequest["purpose"];
  /** The readers that wait for it. A reader that does not follow it any more stays in the list until it ends. */
  readonly readers: HasLeft[];
  readonly startedAt: EpochMs;
  /** A lookup that has not ended by then never will: the platform has ended its request. */
  readonly endsAt: EpochMs;
}

export interface Resolved {
  readonly outcome: LookupOutcome;
  /** Whether this reader's own lookup produced the outcome. */
  readonly own: boolean;
}

export interface Coalescer {
  /** Returns the outcome of a running lookup that this reader may use, or runs its own. */
  resolve(request: LookupRequest, run: RunLookup): Promise<Resolved>;
  /** Starts a lookup for which no reader waits. Returns false if one is running. */
  startDetached(request: LookupRequest, run: RunLookup): boolean;
}

/** Whether a reader's client has disconnected. */
type HasLeft = () => boolean;

/** A reader that never leaves: a refresh, or a load, whose own followers may stay. */
const STAYS: HasLeft = () => false;

type SharedOutcome = Exclude<LookupOutcome, { readonly kind: "uncacheable" }>;
interface OwnLookup {
  readonly own: Promise<LookupOutcome>;
}
type LoadedOutcome = Extract<LookupOutcome, { readonly kind: "loaded" }>;

export interface CoalescerOptions {
  readonly hitForMiss: HitForMiss;
  readonly validator: Validator;
  readonly loads: RunningLoads;
  readonly withTimeout: WithTimeout;
  /** How long a running lookup may take beside its load. */
  readonly stepsTimeoutMs: Millis;
}

/** Lookups that a reader waits for. The second that it meets began after it and may always be used. */
const MAX_JOINS = 3;
/** The number of running lookups at which those that never ended are removed. */
const SWEEP_AT = 1_000;

export function createCoalescer({
  hitForMiss,
  validator,
  loads,
  withTimeout,
  stepsTimeoutMs,
}: CoalescerOptions): Coalescer {
  const running = new Map<string, RunningLookup>();

  function start(request: LookupRequest, reader: HasLeft, run: RunLookup): Promise<LookupOutcome> {
    const { key, ctx, purpose, deadlineAt } = request;
    const readers = [reader];
    const isAbandoned = (): boolean => readers.every((hasLeft) => hasLeft());
    const promise = run({ ...request, isAbandoned });
    if (running.size >= SWEEP_AT) sweep(ctx.now());
    const lookup = { promise, purpose, readers, startedAt: ctx.now(), endsAt: deadlineAt };
    running.set(key, lookup);
    // Followers wait for it even if the client that caused it goes away.
    ctx.defer(promise.finally(() => forget(key, lookup)));
    return promise;
  }

  function readerOf({ ctx }: Read): HasLeft {
    const isLoad = loads.count > 0 && (loads.current() ?? loads.slot()) !== undefined;
    return isLoad ? STAYS : () => ctx.hasLeft();
  }

  function forget(key: string, lookup: RunningLookup): void {
    if (running.get(key) === lookup) running.delete(key);
  }

  function runningLookup(key: string, now: EpochMs): RunningLookup | undefined {
    const lookup = running.get(key);
    if (lookup === undefined || isAlive(lookup, now)) return lookup;
    running.delete(key);
    return undefined;
  }

  function sweep(now: EpochMs): void {
    for (const [key, lookup] of running) if (!isAlive(lookup, now)) running.delete(key);
  }

  /** Returns the outcome of another reader's lookup as this reader may use it, if it may. */
  async function validated(outcome: LookupOutcome, read: Read): Promise<SharedOutcome | undefined> {
    if (outcome.kind === "uncacheable") return undefined;
    if (outcome.kind === "failed") return outcome;
    const validation = await validator.decide(outcome.entry, read, outcome);
    if (validation.use !== "serve" || validation.onlyIfLoadFails) return undefined;
    const { entry, freshness, unreachable, currentAt } = validation;
    // A result that was stale on arrival serves in its stale window, as it would from memory.
    const mayBeStale = outcome.kind === "found" || isNeverFresh(outcome.entry);
    const stale = mayBeStale && freshness === "revalidate";
    if (freshness !== "fresh" && !stale && !isMomentary(outcome)) return undefined;
    return outcome.kind === "found"
      ? { ...outcome, entry, unreachable, currentAt, stale }
      : { ...outcome, entry, unreachable, currentAt };
  }

  /**
   * Waits for running lookups and returns the first outcome that this reader may use. If there is
   * none, it returns the result of `otherwise`, which it calls in the same turn in which that
   * shows: a lookup that `otherwise` registers is seen by all readers that come to the same end.
   * `otherwise` gets the entry that has just been loaded, if that cannot answer this reader.
   */
  async function follow(
    read: Read,
    reader: HasLeft,
    otherwise: (unusable?: LoadedOutcome) => OwnLookup,
    accepts: (outcome: SharedOutcome, purpose: LookupRequest["purpose"]) => boolean,
  ): Promise<SharedOutcome | OwnLookup> {
    const { key, policy, ctx } = read;
    // A reader that waits for a lookup without end must have time left for its own load. The lookup
    // must have time for the steps before its load.
    let patienceMs = Math.max(
      patienceOf(read),
      stepsTimeoutMs + policy.originTimeoutMs - patienceOf(read),
    );
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const lookup = runningLookup(key, ctx.now());
      if (lookup === undefined) break;
      // The lookup may wait for a slot, which the load that makes this read may hold.
      loads.slot()?.giveBack();
      lookup.readers.push(reader);
      try {
        const waitMs = Math.min(patienceMs, remaining(read));
        const outcome = await timeWait(ctx, "join", () => withTimeout(lookup.promise, waitMs));
        if (joins === 0 && isTimedOut(outcome)) {
          patienceMs = Infinity;
          continue;
        }
        const shared = await validated(outcome, read);
        if (shared !== undefined && accepts(shared, lookup.purpose)) return shared;
        // The next result of this key can most likely not be shared either.
        if (outcome.kind === "uncacheable") break;
        // This reader rejects a new, valid result, so the next one would be rejected too.
        if (outcome.kind === "loaded" && (shared !== undefined || isNeverFresh(outcome.entry)))
          return otherwise(outcome);
      } catch {
        // The lookup is stuck. The first reader to notice replaces it, and the others follow that one.
        forget(key, lookup);
        patienceMs = Infinity;
      }
    }
    return otherwise();
  }

  async function join(request: LookupRequest, run: RunLookup): Promise<Resolved> {
    const { ctx } = request;
    const reader = readerOf(request);
    const loadsAlone = (own: LookupRequest): boolean =>
      scopeOf(own) === "off" || hitForMiss.has(own, ctx.now());
    let { staleEntry } = request;
    const joinedAt = ctx.now();
    const begin = (unusable?: LoadedOutcome): OwnLookup => {
      const waited = afterWait(request, joinedAt);
      const own = { ...waited, staleEntry: unusable ?? staleEntry };
      if (!loadsAlone(own)) return { own: start(own, reader, run) };
      return { own: run({ ...own, isAbandoned: reader }) };
    };
    const accepts = (outcome: SharedOutcome, purpose: LookupRequest["purpose"]): boolean => {
      if (outcome.kind === "failed") {
        // A refresh gets no slot before reads do. This reader's own load may get one.
        const isRefused = outcome.fault.code === "origin.saturated" && purpose === "refresh";
        return !(isRefused && request.purpose === "serve") && sharesFailure(request, outcome.fault);
      }
      if (isMomentary(outcome) && request.purpose === "serve") return true;
      if (answersRequest(outcome.entry, request)) return true;
      // This reader needs a later entry. Its own load can ask the origin to confirm this one.
      staleEntry = outcome;
      return false;
    };
    const result = loadsAlone(request) ? begin() : await follow(request, reader, begin, accepts);
    return "own" in result
      ? { outcome: await result.own, own: true }
      : { outcome: result, own: false };
  }

  return {
    async resolve(request, run) {
      try {
        // One deadline covers all waits of the read.
        return await withTimeout(join(request, run), remaining(request));
      } catch (error) {
        if (!isDeadlineExceeded(error)) throw error;
        const fallback = request.staleEntry;
        const outcome = { kind: "failed", fault: originFaultOf(error), fallback } as const;
        return { outcome, own: false };
      }
    },

    startDetached(request, run) {
      if (runningLookup(request.key, request.ctx.now()) !== undefined) return false;
      // No load waits for it, so it takes a slot like the load of a new request.
      void loads.outside(() => start(request, STAYS, run));
      return true;
    },
  };
}

/** Whether a result was stale on arrival: it answers only the reader that loaded it. */
function isNeverFresh({ freshUntil, storedAt }: Entry): boolean {
  return freshUntil <= storedAt;
}

/** Whether a result was made of stale values. A load of this reader's own would read the same ones. */
function isMomentary(outcome: SharedOutcome): boolean {
  return outcome.kind === "loaded" && outcome.momentary === true;
}

function isAlive({ startedAt, endsAt }: RunningLookup, now: EpochMs): boolean {
  // A start in the future shows that the clock was set back.
  return now >= startedAt && now < endsAt;
}

/** The load hung. Another load may not: the first reader to notice tries once more. */
function isTimedOut(outcome: LookupOutcome): boolean {
  return outcome.kind === "failed" && outcome.fault.code === "origin.timeout";
}
