/** The last step of a walk: one load for all who want it, and what becomes of it. */
import { timeStep } from "../core/timed-step.ts";
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Entry } from "../core/entry.ts";
import { fault, type Fault, type FaultCode } from "../core/faults.ts";
import type { Verdict } from "../core/log.ts";
import type { FlightPort, FlightResult } from "../core/flight-port.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import type { Coherence } from "./coherence.ts";
import type { LoadBackoff } from "./load-backoff.ts";
import {
  remaining,
  scopeOf,
  answersRequest,
  type LookupRequest,
  type LookupOutcome,
} from "./lookup-request.ts";
import type { EntryStore } from "./store-entry.ts";
import { validateShared } from "./validation.ts";
import type { CallOrigin } from "./origin-call.ts";
import type { HitForMiss } from "./hit-for-miss.ts";

export interface LoaderOptions {
  readonly coherence: Coherence;
  readonly flights: FlightPort;
  readonly callOrigin: CallOrigin;
  readonly keeper: EntryStore;
  readonly unshared: HitForMiss;
  readonly failures: LoadBackoff;
  /** Entries over this are not handed over between isolates; followers load themselves. */
  readonly maxLandingChars: number;
}

export interface Loader {
  load(job: LookupRequest): Promise<LookupOutcome>;
}

type Publish = (landing: FlightResult) => void;

/** How much longer than a lease a follower waits: long enough to be granted the next one. */
const TAKEOVER_MS: Millis = 500;
/** How much longer than its wait a join may take, until the flight object counts as away. */
const SLACK_MS: Millis = 1_000;
/** Flights a reader joins before it loads by itself. */
const MAX_JOINS = 3;

/** Failures of one leader that say little of the next. */
const NOT_FOR_ALL: ReadonlySet<FaultCode> = new Set([
  "origin.saturated",
  "origin.timeout",
  "flight.timeout",
]);

const MAY_LIVE_ON: ReadonlySet<Verdict> = new Set(["valid", "soft", "unknown"]);

export function createLoader(options: LoaderOptions): Loader {
  const { coherence, flights, callOrigin, keeper, unshared, failures, maxLandingChars } = options;

  async function load(job: LookupRequest): Promise<LookupOutcome> {
    const { key, policy, ctx } = job;
    const recent = failures.recent(key, ctx.now());
    if (recent !== undefined) return failure(job, recent);
    const scope = scopeOf(job);
    if (scope === "off" || scope === "isolate" || unshared.has(key, ctx.now())) return lead(job);
    if (isTooLong(job.staleEntry?.entry ?? job.invalidatedEntry)) return lead(job);
    const leaseMs = policy.flightTimeoutMs;
    // An object that hangs is waited for in vain: time for a load of its own must be left.
    const reserveMs = policy.originTimeoutMs + TAKEOVER_MS + SLACK_MS;
    let after: string | undefined;
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const waitMs = Math.min(leaseMs + TAKEOVER_MS, remaining(job) - reserveMs);
      if (waitMs <= 0) break;
      const request = { key, waitMs, leaseMs, ...(after && { after }) };
      const startedAt = ctx.now();
      const joined = await timeStep(
        ctx,
        "flight",
        () => flights.join(scope, request, ctx),
        (result) => (result.ok ? result.value.role : result.fault.code),
      );
      if (!joined.ok) {
        ctx.emit({ type: "fault.raise", fault: joined.fault });
        return lead(job);
      }
      // It has waited for others long enough. That is no fault of the object.
      if (joined.value.role === "late") return lead(job);
      if (joined.value.role === "leader") {
        const { lease } = joined.value;
        return lead(job, (landing) => ctx.defer(flights.land(scope, { key, lease, landing }, ctx)));
      }
      const { landing, flight, beganAgoMs } = joined.value;
      const arrived = await arrive(landing, startedAt - beganAgoMs, job);
      if (arrived !== "next") return arrived;
      after = flight;
    }
    return lead(job);
  }

  /** What was too long to be handed over will be so again: it is not worth waiting for. */
  function isTooLong(stored: Entry | undefined): boolean {
    return stored !== undefined && stored.body.length > maxLandingChars;
  }

  /** What another isolate's load is for this reader; `next` if it needs a later one. */
  async function arrive(
    landing: FlightResult,
    beganAt: EpochMs,
    job: LookupRequest,
  ): Promise<LookupOutcome | "next"> {
    const { key, policy, ctx } = job;
    if (landing.kind === "failed") {
      // Its leader's isolate is full, the load hung, the lease came too late: ours may do better.
      if (NOT_FOR_ALL.has(landing.fault.code)) return "next";
      failures.failed(key, landing.fault, ctx.now());
      return failure(job, landing.fault);
    }
    if (landing.kind === "uncacheable") {
      if (landing.oneOff !== true) unshared.add(key, ctx.now());
      return lead(job);
    }
    const entry = decodeEntry(key, landing.entry);
    const judged = entry && (await validateShared(coherence, entry, beganAt, job));
    // It may have landed a while ago, and a short lifetime may be over already.
    if (entry === undefined || judged?.age !== "fresh" || !answersRequest(entry, job))
      return "next";
    keeper.storeLocally(entry, policy, ctx);
    const { unreachable } = judged;
    // An older flight was taken because the log, current for this read, vouched for it.
    const since = Math.max(beganAt, job.startedAt - policy.coherenceMs);
    const stored = entry.era !== "";
    const renewed = job.staleEntry !== undefined;
    return { kind: "loaded", entry, joined: true, stored, renewed, since, unreachable };
  }

  async function lead(
    job: LookupRequest,
    publish: Publish = () => undefined,
  ): Promise<LookupOutcome> {
    const { key, policy, ctx, logReachable } = job;
    const waitMs = remaining(job);
    if (waitMs === 0) return fail(fault("origin.timeout", "nobody waits for it any more"));
    const startedAt = ctx.now();
    const end = (outcome: "stored" | "uncacheable" | "failed", bytes?: number): void =>
      ctx.emit({
        type: "load.end",
        key,
        ms: ctx.now() - startedAt,
        outcome,
        ...(bytes !== undefined && { bytes }),
      });

    function fail(cause: Fault): LookupOutcome {
      publish({ kind: "failed", fault: cause });
      return failure(job, cause);
    }

    const called = await callOrigin({ policy, ctx, logReachable, waitMs }, (signal) =>
      job.load(signal, confirmable(job)),
    );
    if (!called.ok) {
      end("failed");
      if (called.fault.code !== "origin.saturated") failures.failed(key, called.fault, ctx.now());
      return fail(called.fault);
    }
    failures.succeeded(key);
    const { loaded, moment } = called.value;
    const entry = keeper.createEntry(key, policy, loaded, moment);
    if (entry === undefined) {
      end("uncacheable");
      const oneOff = !loaded.storable && loaded.oneOff === true;
      if (!oneOff) unshared.add(key, moment.storedAt);
      publish({ kind: "uncacheable", ...(oneOff && { oneOff }) });
      return { kind: "uncacheable" };
    }
    end("stored", entry.body.length);
    unshared.delete(key);
    publish(landingOf(entry, maxLandingChars));
    const { stored } = keeper.store(entry, job);
    const since = moment.startedAt;
    const renewed = job.staleEntry !== undefined;
    return { kind: "loaded", entry, joined: false, stored, renewed, since, unreachable: false };
  }

  /** What the origin may confirm: not what was purged while this read was on its way. */
  function confirmable({ staleEntry: held }: LookupRequest): Entry | undefined {
    return held !== undefined && MAY_LIVE_ON.has(coherence.verdictOf(held.entry))
      ? held.entry
      : undefined;
  }

  return { load };
}

function failure(job: LookupRequest, cause: Fault): LookupOutcome {
  job.ctx.emit({ type: "fault.raise", fault: cause });
  return { kind: "failed", fault: cause, fallback: job.staleEntry };
}

function landingOf(entry: Entry, maxChars: number): FlightResult {
  const text = encodeEntry(entry);
  // It says nothing of later ones.
  if (text.length > maxChars) return { kind: "uncacheable", oneOff: true };
  return { kind: "entry", entry: text };
}
