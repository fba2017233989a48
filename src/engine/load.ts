/** The last step of a walk: one load for all who want it, and what becomes of it. */
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import { ageOf, createEntry, type Entry, type Loaded, type Storable } from "../core/entry.ts";
import { originFaultOf, type Fault } from "../core/faults.ts";
import type {
  Context,
  FlightPort,
  Landing,
  MemoryTier,
  Random,
  Result,
  SharedStore,
  Tier,
} from "../core/ports.ts";
import type { Coherence } from "./coherence.ts";
import { createFailures } from "./failures.ts";
import { suits, type Job, type Outcome } from "./job.ts";
import type { Unshared } from "./unshared.ts";
import { mayAnswer } from "./vouch.ts";
import type { EpochMs, Millis } from "../core/time.ts";

export interface LoaderOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
  readonly coherence: Coherence;
  readonly flights: FlightPort;
  readonly bulkhead: { enter(waitMs: Millis): Promise<Result<() => void>> };
  readonly unshared: Unshared;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
  readonly random: Random;
  /** Entries over this are not handed over between isolates; followers load themselves. */
  readonly maxLandingChars: number;
}

export interface Loader {
  load(job: Job): Promise<Outcome>;
  /** Stores an entry in the tiers of the job's policy; true if it goes to the shared one. */
  keep(entry: Entry, job: Job): boolean;
  /** Deletes an entry that no reader can use from every tier. */
  discard(entry: Entry, ctx: Context): void;
}

/** How much longer than a lease a follower waits: long enough to be granted the next one. */
const TAKEOVER_MS: Millis = 500;
/** Flights a reader joins before it loads by itself. */
const MAX_JOINS = 3;

export function createLoader(options: LoaderOptions): Loader {
  const { memory, edge, store, coherence, flights, bulkhead, unshared, within, random } = options;
  const failures = createFailures(random);

  async function load(job: Job): Promise<Outcome> {
    const { key, policy, ctx } = job;
    const failure = failures.recent(key, ctx.now());
    if (failure !== undefined) return giveUp(job, failure);
    const scope = policy.flight;
    if (scope === "off" || scope === "isolate" || unshared.has(key, ctx.now())) return lead(job);
    let after: string | undefined;
    for (let joins = 0; joins < MAX_JOINS; joins++) {
      const waitMs = Math.min(policy.originTimeoutMs + TAKEOVER_MS, job.deadlineAt - ctx.now());
      if (waitMs <= 0) break;
      const request = { key, waitMs, leaseMs: policy.originTimeoutMs, ...(after && { after }) };
      const startedAt = ctx.now();
      const joined = await flights.join(scope, request, ctx);
      const outcome = joined.ok ? joined.value.role : joined.fault.code;
      ctx.emit({ type: "step.end", step: "flight", ms: ctx.now() - startedAt, outcome });
      if (!joined.ok) {
        ctx.emit({ type: "fault.raise", fault: joined.fault });
        return lead(job);
      }
      if (joined.value.role === "leader") {
        const { lease } = joined.value;
        return lead(job, (landing) => flights.land(scope, { key, lease, landing }, ctx));
      }
      const { landing, flight, beganAgoMs } = joined.value;
      if (landing.kind === "failed") {
        failures.failed(key, landing.fault, ctx.now());
        return giveUp(job, landing.fault);
      }
      if (landing.kind === "uncacheable") {
        unshared.add(key, ctx.now());
        return lead(job);
      }
      const entry = decodeEntry(key, landing.entry);
      // It may have landed a while ago, and a short lifetime may be over already.
      const lives = entry !== undefined && ageOf(entry, ctx.now()) === "fresh" && suits(entry, job);
      const since = startedAt - beganAgoMs;
      if (lives && (await mayAnswer(coherence, entry, since, job)))
        return arrive(entry, since, job);
      after = flight;
    }
    return lead(job);
  }

  function arrive(entry: Entry, beganAt: EpochMs, job: Job): Outcome {
    if (job.policy.tiers.has("memory")) memory.put(entry, job.ctx.now());
    if (job.policy.tiers.has("edge") && entry.era !== "") job.ctx.defer(edge.set(entry, job.ctx));
    // An older flight was taken because the log, current for this read, vouched for it.
    const since = Math.max(beganAt, job.startedAt - job.policy.coherenceMs);
    return { kind: "loaded", entry, joined: true, stored: entry.era !== "", since };
  }

  async function lead(
    job: Job,
    publish?: (landing: Landing) => Promise<unknown>,
  ): Promise<Outcome> {
    const { key, policy, ctx } = job;
    const land = (landing: Landing): void => {
      if (publish !== undefined) ctx.defer(publish(landing));
    };
    const place = await bulkhead.enter(
      Math.min(policy.originTimeoutMs, job.deadlineAt - ctx.now()),
    );
    if (!place.ok) {
      land({ kind: "failed", fault: place.fault });
      return giveUp(job, place.fault);
    }
    // Who waited for the lease may know the log as it was before the wait.
    if (job.logReachable) await coherence.ready(ctx.now(), policy.coherenceMs, ctx);
    const moment = { ...coherence.moment(), startedAt: ctx.now() };
    const result = await runLoad(job);
    place.value();
    const storedAt = ctx.now();
    const ms = storedAt - moment.startedAt;
    ctx.emit({
      type: "step.end",
      step: "origin",
      ms,
      outcome: result.ok ? "ok" : result.fault.code,
    });
    if (!result.ok) {
      ctx.emit({ type: "load.end", key, ms, outcome: "failed" });
      failures.failed(key, result.fault, storedAt);
      land({ kind: "failed", fault: result.fault });
      return giveUp(job, result.fault);
    }
    failures.succeeded(key);
    const loaded = result.value;
    if (!loaded.storable || !lives(loaded, job, storedAt)) {
      ctx.emit({ type: "load.end", key, ms, outcome: "uncacheable" });
      if (loaded.storable || loaded.passing !== true) unshared.add(key, storedAt);
      land({ kind: "uncacheable" });
      return { kind: "uncacheable" };
    }
    const entry = createEntry(key, policy, loaded, { ...moment, storedAt }, random());
    ctx.emit({ type: "load.end", key, ms, outcome: "stored", bytes: entry.body.length });
    if (publish !== undefined) land(landingOf(entry, options.maxLandingChars));
    const since = moment.startedAt;
    return { kind: "loaded", entry, joined: false, stored: keep(entry, job), since };
  }

  async function runLoad(job: Job): Promise<Result<Loaded>> {
    const abort = new AbortController();
    try {
      return {
        ok: true,
        value: await within(job.load(abort.signal, job.held), job.policy.originTimeoutMs),
      };
    } catch (error) {
      abort.abort(error);
      return { ok: false, fault: originFaultOf(error) };
    }
  }

  /** Stores in every tier of the policy; the far ones after the response. */
  function keep(entry: Entry, job: Job): boolean {
    const { policy, ctx } = job;
    // Invalidated while it was loaded: whoever finds it would throw it away.
    if (coherence.judge(entry) === "invalidated") return false;
    if (policy.tiers.has("memory")) memory.put(entry, ctx.now());
    if (entry.era === "") return false;
    if (policy.tiers.has("edge")) ctx.defer(edge.set(entry, ctx));
    if (!policy.tiers.has("redis") || !job.logReachable) return false;
    ctx.defer(
      store.write([entry], ctx).then((written) => {
        if (!written.ok) ctx.emit({ type: "fault.raise", fault: written.fault });
      }),
    );
    return true;
  }

  function giveUp(job: Job, cause: Fault): Outcome {
    job.ctx.emit({ type: "fault.raise", fault: cause });
    return { kind: "failed", fault: cause, fallback: job.held, unreachable: !job.logReachable };
  }

  function discard({ key }: Entry, ctx: Context): void {
    memory.remove(key);
    ctx.defer(edge.delete([key], ctx));
    ctx.defer(store.delete([key], ctx));
  }

  return { load, keep, discard };
}

function landingOf(entry: Entry, maxChars: number): Landing {
  const text = encodeEntry(entry);
  return text.length > maxChars ? { kind: "uncacheable" } : { kind: "entry", entry: text };
}

function lives(loaded: Storable, job: Job, now: number): boolean {
  if (loaded.kind === "absent" && job.policy.negativeForMs === 0) return false;
  return loaded.freshUntil === undefined || loaded.freshUntil > now;
}
