import type { Entry } from "./entry.ts";
import type { LookupStatus } from "./events.ts";
import type { TierName } from "./policy.ts";

/** The result of a lookup. */
export interface Lookup {
  /** The key that was looked up. */
  readonly key: string;
  /** How the lookup ended. `X-Cache-Status` is derived from it. */
  readonly status: LookupStatus;
  /** The tier that answered. Undefined for a load. */
  readonly tier?: TierName;
  /** Undefined only if the result of the load may not be stored. */
  readonly entry?: Entry;
  /** The log could not be asked, so the coherence bound does not hold for this answer. */
  readonly unreachable: boolean;
  /** The load's result was sent to Redis. */
  readonly stored: boolean;
  /** The load replaced a stale entry. */
  readonly renewed?: boolean;
}
