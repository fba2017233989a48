/** The types of the flight step, and the step of an application whose isolates load for themselves. */
import type { Gather } from "./gather.ts";
import type { HitForMiss } from "./hit-for-miss.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import type { LoadedEntry } from "./load.ts";
import type { LookupOutcome, LookupRequest } from "./lookup-request.ts";
import type { RunningLoads } from "./running-loads.ts";
import type { EntryStore } from "./store-entry.ts";
import type { Validator } from "./validator.ts";

/** Returns the outcome of another isolate's load, or says that this reader loads. */
export type JoinFlight = (request: LookupRequest) => Promise<LookupOutcome | LoadHere>;

/** This reader loads by itself, with a lease or without one. */
export interface LoadHere {
  /** Hands the result to the followers, if this reader holds the lease. */
  land(loaded: LoadedEntry): void;
}

export interface FlightStepOptions {
  readonly validator: Validator;
  readonly entryStore: EntryStore;
  readonly hitForMiss: HitForMiss;
  readonly backoff: LoadBackoff;
  readonly loads: RunningLoads;
  /** A leader does not hand over larger entries. Their followers load by themselves. */
  readonly maxLandingChars: number;
  /** The batch whose reads make the step. Default: each read by itself. */
  readonly gather?: Gather | undefined;
}

/** Creates the flight step: `flightStepOf` a port, or `createSoloStep`. */
export type FlightStep = (options: FlightStepOptions) => JoinFlight;

export const WITHOUT_LEASE: LoadHere = { land: () => undefined };

/** Creates the step of an application without flight objects: every reader that comes so far loads. */
export const createSoloStep: FlightStep = () => async () => WITHOUT_LEASE;
