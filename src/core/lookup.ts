import type { Entry } from "./entry.ts";
import type { LookupStatus } from "./events.ts";
import type { TierName } from "./policy.ts";
import type { EpochMs } from "./time.ts";

/** The result of a lookup. */
export interface Lookup {
  /** The key that was looked up. */
  readonly key: string;
  /** How the lookup ended. `X-Cache-Status` is derived from it. */
  readonly status: LookupStatus;
  /** The tier that had the value. Undefined if the value was loaded. */
  readonly tier?: TierName;
  /** The entry that answered. Undefined only if the result of the load may not be stored. */
  readonly entry?: Entry;
  /**
   * Whether the log could not be asked, for this value or for one that it was made of. If so, the
   * coherence bound does not hold for this answer.
   */
  readonly unreachable: boolean;
  /**
   * Whether an unconfirmed write may have changed this value, or one that it was made of. Such a value
   * answers only if the load fails. Default: false.
   */
  readonly unconfirmed?: boolean;
  /** An instant at which the value was current. A value made of others was current when the oldest of them was. */
  readonly currentAt: EpochMs;
  /**
   * Whether the result of the load is sent to Redis. This happens after the answer. If Redis does not
   * accept the result, a fault is recorded, and readers that find the result nowhere load it again.
   */
  readonly stored: boolean;
  /** Whether the load replaced a stale entry. */
  readonly renewed?: boolean;
}
