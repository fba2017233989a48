import type { Context } from "./context.ts";
import type { Fault } from "./faults.ts";
import type { Result } from "./result.ts";
import type { Millis } from "./time.ts";
import type { TraceCarrier } from "./trace-carrier.ts";

/** What a leader hands to its followers. */
export type FlightResult =
  | { readonly kind: "entry"; readonly entry: string }
  /** `oneOff` results say nothing about later ones: no follower sets a hit-for-miss marker. */
  | { readonly kind: "uncacheable"; readonly oneOff?: true }
  | { readonly kind: "failed"; readonly fault: Fault };

export type JoinAnswer =
  | { readonly role: "leader"; readonly flight: string; readonly lease: string }
  | {
      readonly role: "follower";
      readonly flight: string;
      /** How long before the join the flight began, by the granter's clock. */
      readonly beganAgoMs: Millis;
      readonly landing: FlightResult;
    }
  /** Nothing has landed in the time that it wanted to wait. */
  | { readonly role: "late" };

export interface JoinRequest {
  readonly key: string;
  /** The caller's span. */
  readonly carrier?: TraceCarrier;
  /** A flight whose result did not hold for this reader; it wants the next one. */
  readonly after?: string;
  /** How long the reader is prepared to wait. */
  readonly waitMs: Millis;
  /** How long a load may take before another takes over. */
  readonly leaseMs: Millis;
}

/** One running and one queued load per key and scope, wherever the readers are. */
export interface FlightPort {
  join(scope: "region" | "global", request: JoinRequest, ctx: Context): Promise<Result<JoinAnswer>>;
  land(
    scope: "region" | "global",
    request: { key: string; lease: string; landing: FlightResult },
    ctx: Context,
  ): Promise<Result<void>>;
}
