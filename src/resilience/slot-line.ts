/** The calls that wait for a slot. It decides who is next and who waits no longer, and has no timers. */
import { SLOT_PRIORITIES, type SlotPriority } from "../core/origin-slots.ts";
import type { EpochMs, Millis } from "../core/time.ts";

export interface Waiting {
  readonly priority: SlotPriority;
  readonly since: EpochMs;
}

export interface SlotLine<W extends Waiting> {
  size(): number;
  /** How many calls wait that get a slot before a new call of this class. */
  ahead(priority: SlotPriority): number;
  /** Whether the class is overloaded. */
  isStanding(priority: SlotPriority, now: EpochMs): boolean;
  add(waiter: W, now: EpochMs): void;
  /** Returns false if the call does not wait. */
  remove(waiter: W, now: EpochMs): boolean;
  /** The longest wait of a new call of this class that may wait for `waitMs`. */
  patienceOf(priority: SlotPriority, now: EpochMs, waitMs: Millis): Millis;
  /** Removes and returns the call that gets the next slot, among those that may have one. */
  next(now: EpochMs, mayHave: (waiter: W) => boolean): W | undefined;
  /** Removes and returns the calls that have waited too long for an overloaded class. */
  shed(now: EpochMs): readonly W[];
  /** Removes and returns the longest waiting call of the lowest class, if that is not above `priority`. */
  crowdOut(priority: SlotPriority, now: EpochMs): W | undefined;
}

/** An overloaded class lets its calls wait for this share of the usual time: 18 ms of 450 ms. */
const OVERLOADED_SHARE = 0.04;
/** An overloaded class stays so until its queue has been empty for this multiple of the usual wait. */
const REST_FACTOR = 2;

/**
 * The classes whose calls are shed early. A refused write is lost, a continued request half done, and no
 * client waits for the others.
 */
const SHED_EARLY: ReadonlySet<SlotPriority> = new Set(["read"]);

/**
 * Creates a line with one queue for each class. `waitMs` is the time that a call usually may wait: a
 * class is overloaded once its queue has not been empty for so long. A burst is over earlier.
 *
 * ```
 *           a call waits              not empty for a wait
 *  [ empty ] ----------> [ queueing ] -------------------> [ standing ]
 *                         oldest first                      newest first;
 *      ^                       |                            a `read` waits at most 4 % of a wait
 *      |  the last call leaves |                                   |
 *      '-----------------------'                                   |
 *      '-----------------------------------------------------------'
 *                            empty for two waits
 * ```
 *
 * In a standing queue the oldest calls belong to clients that have given up or soon will. A queue in
 * order of arrival would serve only these; the newest call still has a client.
 *
 * @see Maurer, "Fail at Scale", ACM Queue 13(8), 2015: controlled delay and adaptive LIFO
 * @see Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012
 */
export function createSlotLine<W extends Waiting>(waitMs: Millis): SlotLine<W> {
  const overloadedWaitMs = waitMs * OVERLOADED_SHARE;
  const restMs = waitMs * REST_FACTOR;
  const queues = SLOT_PRIORITIES.map((priority) => ({
    priority,
    waiters: [] as W[],
    /** When the queue was last empty for a while. */
    busySince: 0,
    emptySince: 0,
  }));
  type Queue = (typeof queues)[number];
  const queueOf = (priority: SlotPriority): Queue =>
    queues[SLOT_PRIORITIES.indexOf(priority)] as Queue;

  function stands(queue: Queue, now: EpochMs): boolean {
    const { waiters, busySince, emptySince } = queue;
    if (waiters.length > 0) return now - busySince >= waitMs;
    return emptySince - busySince >= waitMs && now - emptySince < restMs;
  }

  function noteIfEmpty(queue: Queue, now: EpochMs): void {
    if (queue.waiters.length === 0) queue.emptySince = now;
  }

  function takeFrom(queue: Queue, now: EpochMs, mayHave: (waiter: W) => boolean): W | undefined {
    const { waiters } = queue;
    const at = stands(queue, now) ? waiters.findLastIndex(mayHave) : waiters.findIndex(mayHave);
    if (at < 0) return undefined;
    const [waiter] = waiters.splice(at, 1);
    noteIfEmpty(queue, now);
    return waiter;
  }

  return {
    size: () => queues.reduce((sum, { waiters }) => sum + waiters.length, 0),
    ahead(priority) {
      const upTo = queues.slice(0, SLOT_PRIORITIES.indexOf(priority) + 1);
      return upTo.reduce((sum, { waiters }) => sum + waiters.length, 0);
    },
    isStanding: (priority, now) => stands(queueOf(priority), now),
    add(waiter, now) {
      const queue = queueOf(waiter.priority);
      const isIdle = queue.waiters.length === 0 && !stands(queue, now);
      // The second condition holds if the clock was set back.
      if (isIdle || queue.busySince > now) queue.busySince = now;
      queue.waiters.push(waiter);
    },
    remove(waiter, now) {
      const queue = queueOf(waiter.priority);
      const at = queue.waiters.indexOf(waiter);
      if (at < 0) return false;
      queue.waiters.splice(at, 1);
      noteIfEmpty(queue, now);
      return true;
    },
    patienceOf: (priority, now, allowedMs) =>
      SHED_EARLY.has(priority) && stands(queueOf(priority), now)
        ? Math.min(allowedMs, overloadedWaitMs)
        : allowedMs,
    next(now, mayHave) {
      for (const queue of queues) {
        const waiter = takeFrom(queue, now, mayHave);
        if (waiter !== undefined) return waiter;
      }
      return undefined;
    },
    shed(now) {
      return queues.flatMap((queue) => {
        if (!SHED_EARLY.has(queue.priority) || !stands(queue, now)) return [];
        const { waiters } = queue;
        const keep = waiters.findIndex(({ since }) => now - since < overloadedWaitMs);
        const shed = waiters.splice(0, keep < 0 ? waiters.length : keep);
        if (shed.length > 0) noteIfEmpty(queue, now);
        return shed;
      });
    },
    crowdOut(priority, now) {
      const lowest = queues.findLast(({ waiters }) => waiters.length > 0);
      if (lowest === undefined) return undefined;
      const isAbove = SLOT_PRIORITIES.indexOf(lowest.priority) < SLOT_PRIORITIES.indexOf(priority);
      if (isAbove) return undefined;
      const oldest = lowest.waiters.shift();
      noteIfEmpty(lowest, now);
      return oldest;
    },
  };
}
