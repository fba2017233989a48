/** This isolate's part of the cap on the calls of the origin. */
import type { AskForGrant } from "../core/slot-grants.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

export interface SlotCapOptions {
  readonly ask: AskForGrant;
  readonly isolate: string;
  /** The slots of an isolate that need no grant. */
  readonly freeSlots: number;
  /** The slots of an isolate, with and without a grant. */
  readonly slots: number;
  /** The cap over the grants of all isolates. */
  readonly total: number;
  readonly now: Clock;
  /** Called when a grant has come. */
  readonly onGrant: () => void;
}

export interface SlotCap {
  /**
   * Returns how many slots this isolate may use now. Asks for a grant in the background if it wants
   * more, so that no call waits for the object while slots are free.
   *
   * @param holdMs the longest time that one of the calls so far, or the next one, holds a slot
   */
  usable(wanted: number, holdMs: Millis): number;
}

/** Grants are asked for in steps of this many slots, so that a growing load asks rarely. */
const STEP = 8;
/** A grant is renewed this long before it ends. */
const RENEW_MS: Millis = 2_000;
/** The pause after an answer with fewer slots than wanted, and after no answer. */
const RETRY_MS: Millis = 500;
/** A question without an answer after this long is lost. */
const LOST_MS: Millis = 5_000;

/**
 * Creates the part of one isolate.
 *
 * ```
 *             wants more than its free slots            granted, for 5 s
 *   [ free ] ------------------------------> [ asking ] ----------------> [ granted ]
 *      ^                                       |    ^                       |   |
 *      |            no answer: 0.5 s later     |    '---- renews, grows ----'   |
 *      '---------------------------------------'                                |
 *      '------------------------------------------------------------------------'
 *                               the grant ends
 * ```
 *
 * The calls of all isolates together are at most `total`, and `freeSlots` more for each isolate. With
 * `freeSlots` 0 they are at most `total`, and the first load of an isolate waits for its grant.
 */
export function createSlotCap(options: SlotCapOptions): SlotCap {
  const { ask, isolate, freeSlots, slots, total, now, onGrant } = options;
  let granted = 0;
  let endsAt: EpochMs = 0;
  let asksAgainAt: EpochMs = 0;
  /** When the last question was sent, while it has no answer. */
  let askedAt: EpochMs | undefined;
  let sequence = 0;
  /** Calls of the grant hold their slots for no longer than this. */
  let grantHoldMs: Millis = 0;

  function heldAt(at: EpochMs): number {
    return at < endsAt ? granted : 0;
  }

  async function askFor(wanted: number, holdMs: Millis, sentAt: EpochMs): Promise<void> {
    askedAt = sentAt;
    granted = Math.min(granted, wanted);
    const mine = ++sequence;
    const held = heldAt(sentAt);
    const answer = await ask({ isolate, sequence: mine, wanted, held, holdMs, total });
    if (mine !== sequence) return;
    askedAt = undefined;
    if (answer === undefined || answer.slots < wanted) asksAgainAt = now() + RETRY_MS;
    if (answer === undefined) return;
    granted = answer.slots;
    grantHoldMs = holdMs;
    endsAt = sentAt + answer.forMs;
    onGrant();
  }

  /** The platform may have ended the request that asked. Then there is never an answer. */
  function mayAsk(at: EpochMs): boolean {
    if (askedAt !== undefined) return at < askedAt || at >= askedAt + LOST_MS;
    return at >= asksAgainAt || at < asksAgainAt - RETRY_MS;
  }

  return {
    usable(wanted, holdMs) {
      const at = now();
      // A call that holds its slot for longer than those of the grant needs another grant.
      const held = holdMs <= grantHoldMs ? heldAt(at) : 0;
      const needed = Math.min(wanted, slots) - freeSlots;
      const isDue = needed > held || endsAt - at < RENEW_MS;
      if (needed > 0 && isDue && mayAsk(at))
        void askFor(Math.min(Math.ceil(needed / STEP) * STEP, slots - freeSlots), holdMs, at);
      return freeSlots + held;
    },
  };
}
