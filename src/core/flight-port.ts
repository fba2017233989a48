import type { Context } from "./context.ts";
import type { Fault } from "./faults.ts";
import type { Result } from "./result.ts";
import type { Millis } from "./time.ts";
import type { TraceCarrier } from "./trace-carrier.ts";

/** The result of a flight, which the leader hands to its followers. */
export type FlightResult =
  /** An entry in its stored form (core/codec.ts). */
  | { readonly kind: "entry"; readonly entry: string }
  /** A result that may not be stored. `oneOff`: later results may be storable. */
  | { readonly kind: "uncacheable"; readonly oneOff?: true }
  | { readonly kind: "failed"; readonly fault: Fault };

/** The role that a reader gets when it joins a flight. */
export type JoinAnswer =
  /** It loads, and must land its result under this lease. */
  | { readonly role: "leader"; readonly flight: string; readonly lease: string }
  /** Another reader loaded; `landing` is its result. */
  | {
      readonly role: "follower";
      readonly flight: string;
      /** How long before the join the flight began, by the clock of the Durable Object. */
      readonly beganAgoMs: Millis;
      readonly landing: FlightResult;
    }
  /** No result landed within `waitMs`. */
  | { readonly role: "late" };

export interface JoinRequest {
  readonly key: string;
  /** The trace context of the caller. */
  readonly carrier?: TraceCarrier;
  /** The flight whose result this reader could not use. It wants the result of the next flight. */
  readonly after?: string;
  /** How long the reader waits for a result at most. */
  readonly waitMs: Millis;
  /** How long the leader may load before the lease goes to the next reader. */
  readonly leaseMs: Millis;
}

/** Shares loads between isolates: for each key and scope at most one load runs and one is queued. */
export interface FlightPort {
  /** Asks for the lease of a key, or for the result of the load that runs. */
  join(scope: "region" | "global", request: JoinRequest, ctx: Context): Promise<Result<JoinAnswer>>;
  /** Ends a flight with its result. A lease that has expired is ignored. */
  land(
    scope: "region" | "global",
    request: { key: string; lease: string; landing: FlightResult },
    ctx: Context,
  ): Promise<Result<void>>;
}
