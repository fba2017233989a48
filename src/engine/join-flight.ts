/** The flight step: several isolates share one load of a key, through a Durable Object. */
import { timeStep } from "../core/timed-step.ts";
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Entry } from "../core/entry.ts";
import type { FaultCode } from "../core/faults.ts";
import type { FlightPort, FlightResult } from "../core/flight-port.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import {
  WITHOUT_LEASE,
  type FlightStep,
  type FlightStepOptions,
  type JoinFlight,
  type LoadHere,
} from "./flight-step.ts";
import { gatherFlights } from "./gathered-flights.ts";
import type { LoadedEntry } from "./load.ts";
import {
  OWN_PART,
  patienceOf,
  remaining,
  reportedFailure,
  scopeOf,
  sharesFailure,
} from "./lookup-request.ts";
import type { LookupOutcome, LookupRequest } from "./lookup-request.ts";
import { answersRequest } from "./validation.ts";

/** A follower waits this much longer than a lease, so that it can get the next lease. */
const TAKEOVER_MS: Millis = 500;
/** Flights that a reader joins before it loads by itself. */
const MAX_JOINS = 3;

/**
 * Failures of one leader that say little about the next: its isolate was full or asked no origin, its readers
 * had left, its load hung, its lease ended.
 */
const LEADER_ONLY: ReadonlySet<FaultCode> = new Set([
  "origin.saturated",
  "origin.abandoned",
  "origin.open",
  "origin.timeout",
  "flight.timeout",
]);

/** Returns the step that joins flights through the port. */
export function flightStepOf(port: FlightPort): FlightStep {
  return (options) => createFlightStep(port, options);
}

function createFlightStep(port: FlightPort, options: FlightStepOptions): JoinFlight {
  const { validator, entryStore, hitForMiss, backoff, loads, maxLandingChars, gather } = options;
  const flights = gather === undefined ? port : gatherFlights(port, gather);

  async function joinFlight(request: LookupRequest): Promise<LookupOutcome | LoadHere> {
    const { key, policy, ctx } = request;
    const scope = scopeOf(request);
    if (scope === "off" || scope === "isolate" || hitForMiss.has(request, ctx.now()))
      return WITHOUT_LEASE;
    if (isTooLarge(request.staleEntry?.entry ?? request.invalidatedEntry)) return WITHOUT_LEASE;
    const begunAt = ctx.now();
    // A follower of a leader that died gets the next lease before its patience ends.
    const patienceMs = patienceOf(request);
    const leaseMs = Math.min(
      policy.flightTimeoutMs,
      Math.max(policy.originTimeoutMs / 2, policy.originTimeoutMs * (1 - OWN_PART) - TAKEOVER_MS),
    );
    // The leader in the other isolate may wait for a slot, and its isolate's loads for this one's.
    const slot = loads.slot();
    let after: string | undefined;
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const waitedMs = Math.max(0, ctx.now() - begunAt);
      const waitMs = Math.min(leaseMs + TAKEOVER_MS, patienceMs - waitedMs, remaining(request));
      if (waitMs <= 0) break;
      const join = { key, waitMs, leaseMs, ...(after && { after }) };
      const startedAt = ctx.now();
      const joined = await timeStep(
        ctx,
        "flight",
        () => flights.join(scope, join, ctx, () => slot?.giveBack()),
        (result) => (result.ok ? result.value.role : result.fault.code),
      );
      if (!joined.ok) {
        ctx.emit({ type: "fault.raise", fault: joined.fault });
        return WITHOUT_LEASE;
      }
      // No flight has landed in time. That is no fault of the flight object.
      if (joined.value.role === "late") return WITHOUT_LEASE;
      if (joined.value.role === "leader") {
        const { lease } = joined.value;
        // The flight had begun when the lease arrived. So no instant of another clock is needed.
        const begunBy = ctx.now();
        return {
          land(loaded) {
            const landing = landingOf(loaded, begunBy, maxLandingChars);
            ctx.defer(flights.land(scope, { key, lease, landing }, ctx));
          },
        };
      }
      const { landing, flight, beganAgoMs } = joined.value;
      const followed = await follow(landing, startedAt - beganAgoMs, request);
      if (followed !== "next") return followed;
      after = flight;
    }
    return WITHOUT_LEASE;
  }

  /** A key whose stored entry was too large to hand over will most likely be too large again. */
  function isTooLarge(stored: Entry | undefined): boolean {
    return stored !== undefined && stored.body.length > maxLandingChars;
  }

  /** Takes the result of another isolate's load; `next` if this reader needs a later one. */
  async function follow(
    landing: FlightResult,
    beganAt: EpochMs,
    request: LookupRequest,
  ): Promise<LookupOutcome | LoadHere | "next"> {
    const { key, policy, ctx } = request;
    if (landing.kind === "failed") {
      const { fault } = landing;
      if (LEADER_ONLY.has(fault.code) || !sharesFailure(request, fault)) return "next";
      backoff.failed(key, fault, ctx.now());
      return reportedFailure(request, fault);
    }
    if (landing.kind === "uncacheable") {
      if (landing.oneOff !== true) hitForMiss.add({ key }, ctx.now());
      return WITHOUT_LEASE;
    }
    const landed = decodeEntry(key, landing.entry);
    if (landed === undefined) return "next";
    const result = { currentAt: beganAt - (landing.currentBeforeMs ?? 0), unreachable: false };
    const validation = await validator.decide(landed, request, result);
    // The flight may have landed a while ago, so that a short lifetime is over.
    if (validation.use !== "serve" || validation.freshness !== "fresh") return "next";
    const { entry, unreachable, currentAt } = validation;
    if (!answersRequest(entry, request)) return "next";
    entryStore.storeLocally(entry, policy, ctx);
    // The leader has sent it to Redis under the same conditions.
    const stored = entry.era !== "" && policy.tiers.has("redis");
    const renewed = request.staleEntry !== undefined;
    return { kind: "loaded", entry, joined: true, stored, renewed, currentAt, unreachable };
  }

  return joinFlight;
}

function landingOf(loaded: LoadedEntry, begunBy: EpochMs, maxChars: number): FlightResult {
  if (loaded.kind === "failed") return { kind: "failed", fault: loaded.fault };
  if (loaded.kind === "uncacheable")
    return { kind: "uncacheable", ...(loaded.says !== "key" && { oneOff: true }) };
  if (loaded.momentary) return { kind: "uncacheable", oneOff: true };
  // The encoded entry is longer than its body. To encode a large one would block the isolate for nothing.
  const text = loaded.entry.body.length > maxChars ? undefined : encodeEntry(loaded.entry);
  // The size of one entry says nothing about the results after it.
  if (text === undefined || text.length > maxChars) return { kind: "uncacheable", oneOff: true };
  const currentBeforeMs = Math.max(0, begunBy - loaded.currentAt);
  return { kind: "entry", entry: text, ...(currentBeforeMs > 0 && { currentBeforeMs }) };
}
