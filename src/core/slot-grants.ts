/** Grants: how isolates share a cap on the calls of the origin. */
import type { Millis } from "./time.ts";

export interface GrantRequest {
  /** The isolate that asks. */
  readonly isolate: string;
  /** Grows with each request of the isolate. */
  readonly sequence: number;
  /** The number of slots that it wants. Until the answer, it begins no call beyond them. */
  readonly wanted: number;
  /** The number of slots that its last grant still allows. */
  readonly held: number;
  /** The longest time that one of its calls holds a slot. */
  readonly holdMs: Millis;
  /** The cap over all isolates. */
  readonly total: number;
}

export interface Grant {
  readonly slots: number;
  /** The isolate may begin calls under the grant for this long, counted from when it asked. */
  readonly forMs: Millis;
}

/** Asks for a grant. Returns undefined if there is no answer in time. */
export type AskForGrant = (request: GrantRequest) => Promise<Grant | undefined>;
