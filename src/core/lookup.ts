import type { Entry } from "./entry.ts";
import type { LookupStatus } from "./events.ts";
import type { TierName } from "./policy.ts";

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
  /** Whether the log could not be asked. If so, the coherence bound does not hold for this answer. */
  readonly unreachable: boolean;
  /** Whether the result of the load was sent to Redis. */
  readonly stored: boolean;
  /** Whether the load replaced a stale entry. */
  readonly renewed?: boolean;
}
