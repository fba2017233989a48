import type { Context } from "./context.ts";
import type { Fault } from "./faults.ts";
import type { Result } from "./result.ts";
import type { Millis } from "./time.ts";
import type { TraceCarrier } from "./trace-carrier.ts";

/** The result of a flight, which followers get from the leader. */
export type FlightResult =
  /** An entry in its stored form (core/codec.ts). */
  | {
      readonly kind: "entry";
      readonly entry: string;
      /** The value was current at most this long before the flight began. Default 0. */
      readonly currentBeforeMs?: Millis;
    }
  /** A result that may not be stored. `oneOff` is set if later results may be storable. */
  | { readonly kind: "uncacheable"; readonly oneOff?: true }
  | { readonly kind: "failed"; readonly fault: Fault };

/** The role that a lookup gets when it joins a flight. */
export type JoinAnswer =
  /** The lookup is the leader. It must load and hand over its result under this lease. */
  | { readonly role: "leader"; readonly flight: string; readonly lease: string }
  /** Another lookup loaded the value. `landing` is its result. */
  | {
      readonly role: "follower";
      readonly flight: string;
      /** The time between the start of the flight and this join, by the clock of the Durable Object. */
      readonly beganAgoMs: Millis;
      readonly landing: FlightResult;
    }
  /** The flight had no result within `waitMs`. */
  | { readonly role: "late" };

export interface JoinRequest {
  readonly key: string;
  /** The trace context of the caller. */
  readonly carrier?: TraceCarrier;
  /** The flight whose result this lookup could not use. The lookup wants the result of the next flight. */
  readonly after?: string;
  /** The longest time that the lookup waits for a result. */
  readonly waitMs: Millis;
  /** The time that the leader has for its load. After it, the lease goes to the next lookup. */
  readonly leaseMs: Millis;
}

/** Shares loads between isolates. For each key and scope, at most one load runs and at most one waits. */
export interface FlightPort {
  /**
   * Asks for the lease of a key, or for the result of the load that runs. `onWait` is called at once
   * if the answer has to wait for the load of another lookup.
   */
  join(
    scope: "region" | "global",
    request: JoinRequest,
    ctx: Context,
    onWait?: () => void,
  ): Promise<Result<JoinAnswer>>;
  /** Ends a flight with its result. The call is ignored if the lease has expired. */
  land(
    scope: "region" | "global",
    request: { key: string; lease: string; landing: FlightResult },
    ctx: Context,
  ): Promise<Result<void>>;
}
