/** Which isolate may use how many of the slots of all isolates. It does no I/O. */
import type { Grant, GrantRequest } from "../core/slot-grants.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

/** An isolate may begin calls under a grant for this long. */
export const GRANT_MS: Millis = 5_000;
/** Clocks may run apart by this much within a grant. */
const DRIFT_MS: Millis = 1_000;

/** A grant occupies its slots until then. */
interface Occupied {
  readonly slots: number;
  readonly until: EpochMs;
}

interface Isolate {
  readonly sequence: number;
  readonly grants: readonly Occupied[];
}

export interface SlotLedger {
  /** Grants slots. `until` is the instant at which the last call of all grants so far has ended. */
  grant(request: GrantRequest): Grant & { readonly until: EpochMs };
}

/**
 * Creates the ledger. A grant occupies its slots until the calls that begin under it have ended in any
 * case: for the time of the grant and the longest hold of a call. So the calls under all grants are
 * never more than the cap, whatever answer is lost and whichever isolate dies.
 *
 * ```
 *  asked            may begin calls            calls end              free again
 *    |----------------- GRANT_MS -----------------|------- holdMs -------|
 * ```
 *
 * @param recoversUntil the `until` of the ledger before this one, whose grants are lost. Until then
 *   isolates keep what they hold, and get no more.
 */
export function createSlotLedger(now: Clock, recoversUntil: EpochMs): SlotLedger {
  const isolates = new Map<string, Isolate>();
  let until = recoversUntil;
  /** Some isolate got less than its share. Until then, the others get no more than theirs. */
  let scarceUntil: EpochMs = 0;

  /** The calls of an isolate are never more than its largest grant that may still have calls. */
  function occupiedByOthers(isolate: string, at: EpochMs): number {
    let slots = 0;
    for (const [name, { grants }] of isolates) {
      const running = grants.filter((one) => one.until > at);
      if (running.length === 0) isolates.delete(name);
      else if (name !== isolate) slots += Math.max(...running.map((one) => one.slots));
    }
    return slots;
  }

  return {
    grant({ isolate, sequence, wanted, held, holdMs, total }) {
      const at = now();
      const free = Math.max(0, total - occupiedByOthers(isolate, at));
      const before = isolates.get(isolate);
      // A request that was overtaken by a later one of its isolate.
      if (before !== undefined && sequence <= before.sequence)
        return { slots: 0, forMs: GRANT_MS, until };
      const share = Math.max(1, Math.floor(total / (isolates.size + (before ? 0 : 1))));
      let slots = Math.min(wanted, free);
      if (slots < Math.min(wanted, share)) scarceUntil = at + GRANT_MS;
      else if (at < scarceUntil) slots = Math.min(slots, share);
      if (at < recoversUntil) slots = Math.min(slots, held);
      const ends = at + GRANT_MS + holdMs + DRIFT_MS;
      // Since it asked, the isolate has begun no call beyond `wanted`.
      const earlier = (before?.grants ?? [])
        .filter((one) => one.until > at && one.slots > slots)
        .map((one) => ({ slots: Math.min(one.slots, wanted), until: one.until }));
      isolates.set(isolate, { sequence, grants: [...earlier, { slots, until: ends }] });
      until = Math.max(until, ends);
      return { slots, forMs: GRANT_MS, until };
    },
  };
}
