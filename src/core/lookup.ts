import type { Entry } from "./entry.ts";
import type { LookupStatus } from "./events.ts";
import type { TierName } from "./policy.ts";

/** What a lookup found, and how. */
export interface Lookup {
  readonly key: string;
  readonly status: LookupStatus;
  /** The tier that answered, for hits and stale answers. */
  readonly tier?: TierName;
  /** Undefined only if the load's result may not be stored. */
  readonly entry?: Entry;
  /** The log could not be reached: outside the guarantee, and marked so. */
  readonly unreachable: boolean;
  /** The load's result went to the shared tier. */
  readonly stored: boolean;
  /** The load's result takes the place of what was stored, and stale. */
  readonly renewed?: boolean;
}
