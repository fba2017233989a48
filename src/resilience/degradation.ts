import type { Context } from "../core/context.ts";
import {
  levelOf,
  type DeliveryName,
  type Degradation,
  type DegradationReport,
  type DependencyReport,
  type DependencyState,
  type Pin,
} from "../core/degradation.ts";
import type { BreakerName } from "../core/breaker.ts";
import type { DegradationLevel } from "../core/degradation-level.ts";
import type { CacheEvent } from "../core/events.ts";
import { isDeadlineExceeded, type WithTimeout } from "../core/deadline.ts";
import type { Result } from "../core/result.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { createDependencyHealth, type DependencyHealth } from "./dependency-health.ts";

/** One dependency that the level follows from. */
export interface Watched {
  /** Whether the breaker of the dependency lets calls through as usual. Default: it has none. */
  readonly isBroken?: (at: EpochMs) => boolean;
  /** Asks the dependency once. Default: only the breaker tells. */
  readonly ask?: (ctx: Context) => Promise<"ok" | "failed">;
  /** A check that takes longer is slow. */
  readonly slowMs?: Millis;
}

/** The pin of all isolates of the namespace. */
export interface Pins {
  /** Returns the last pin that this isolate knows; undefined if there is none, or if it has expired. */
  known(at: EpochMs): Pin | undefined;
  /** Learns of a newer pin. Waits for it at most 80 ms. */
  refresh(ctx: Context): Promise<void>;
  set(pin: Pin | undefined, ctx: Context): Promise<Result<void>>;
}

export interface DegradationOptions {
  readonly watched: Readonly<Record<BreakerName, Watched>>;
  readonly pins: Pins;
  /** The state of each dependency that only deliveries tell of. */
  readonly deliveries: Readonly<Record<DeliveryName, (at: EpochMs) => DependencyReport>>;
  readonly withTimeout: WithTimeout;
  readonly sleep: (ms: Millis) => Promise<void>;
  /** Reports a change of the level that no request has found. */
  readonly emit: (event: CacheEvent) => void;
}

/** A dependency is checked at most once in this time. */
const CHECK_EVERY_MS: Millis = 1_000;
/** A dependency that has failed its last check is checked as often as this. */
const CHECK_AGAIN_MS: Millis = 150;
/** A check that is not ok is repeated this often at once, so that a fault shows even if nobody asks again. */
const REPEATS = 3;
const SLOW_MS: Millis = 750;
/** The first report of an isolate waits this long for its first checks. */
const FIRST_CHECK_MS: Millis = 80;
/** A check without an answer has failed after this time. */
const HUNG_MS: Millis = 4_000;

/**
 * Follows the dependencies of this isolate, from their breakers and from active checks. Checks run in
 * the background, and only where somebody asks for a report, or for a level that is not normal: an
 * isolate that works makes none. The level never waits for one.
 *
 * @see dependency-health.ts for the rules and the hysteresis
 */
export function createDegradation(options: DegradationOptions): Degradation {
  const { watched, pins, deliveries, withTimeout, sleep, emit } = options;
  const names = Object.keys(watched) as BreakerName[];
  const healths = new Map<BreakerName, DependencyHealth>(
    names.map((name) => [name, createDependencyHealth()]),
  );
  const checkedAt = new Map<BreakerName, EpochMs>();
  /** The first check of each dependency, while it runs. */
  const first = new Set<Promise<void>>();
  let level: DegradationLevel = "normal";
  let since: EpochMs = 0;

  function isBroken(name: BreakerName, at: EpochMs): boolean {
    return watched[name].isBroken?.(at) ?? false;
  }

  function evaluate(at: EpochMs, emit: (event: CacheEvent) => void): DegradationReport {
    const dependencies = {} as Record<BreakerName, DependencyReport>;
    const states = {} as Record<BreakerName, DependencyState>;
    for (const [name, health] of healths) {
      const report = health.report(isBroken(name, at), at);
      dependencies[name] = report;
      states[name] = report.state;
    }
    const measured = levelOf(states);
    const pin = pins.known(at);
    const next = pin?.level ?? measured;
    if (since === 0) since = at;
    if (next !== level) {
      const from = level;
      level = next;
      since = at;
      const cause = pin === undefined ? causeOf(states) : "pin";
      emit({ type: "level.change", at, from, to: next, cause });
    }
    const delivered = { queue: deliveries.queue(at), telemetry: deliveries.telemetry(at) };
    return { level, since, measured, pin, dependencies, deliveries: delivered };
  }

  /** Checks each dependency whose last check is old enough. */
  function startChecks(ctx: Context): void {
    const at = ctx.now();
    for (const [name, health] of healths) {
      const { ask, slowMs = SLOW_MS } = watched[name];
      if (ask === undefined) continue;
      const age = at - (checkedAt.get(name) ?? Number.NEGATIVE_INFINITY);
      // The age is negative if the clock was set back.
      if (age >= 0 && age < (health.isSuspected ? CHECK_AGAIN_MS : CHECK_EVERY_MS)) continue;
      checkedAt.set(name, at);
      const isFirst = age === Infinity;
      const checking = check(name, health, () => ask(ctx), slowMs, ctx);
      ctx.defer(checking);
      if (isFirst) {
        first.add(checking);
        void checking.finally(() => first.delete(checking));
      }
    }
  }

  async function check(
    name: BreakerName,
    health: DependencyHealth,
    ask: () => Promise<"ok" | "failed">,
    slowMs: Millis,
    ctx: Context,
  ): Promise<void> {
    for (let attempt = 0; attempt <= REPEATS; attempt++) {
      checkedAt.set(name, ctx.now());
      const answered = withTimeout(ask(), HUNG_MS).then(
        (result) => result,
        (error: unknown) => (isDeadlineExceeded(error) ? ("hung" as const) : ("failed" as const)),
      );
      const result = await withTimeout(answered, slowMs).catch(() => "slow" as const);
      // The check may not have been made: an open breaker refuses it, and tells enough.
      if (isBroken(name, ctx.now())) break;
      if (result === "slow") {
        // The check goes on: whether it fails later is known only then.
        ctx.defer(
          answered.then((late) => {
            if (late === "failed" || late === "hung") health.add(late, ctx.now());
          }),
        );
      }
      health.add(result, ctx.now());
      if (result === "ok") break;
      await sleep(CHECK_AGAIN_MS);
    }
    evaluate(ctx.now(), ctx.emit);
  }

  /** Waits for the first checks of a new isolate, so that its first report does not have to guess. */
  async function firstChecks(): Promise<void> {
    if (first.size === 0) return;
    await withTimeout(Promise.all(first), FIRST_CHECK_MS).catch(() => undefined);
  }

  return {
    async level(ctx) {
      await pins.refresh(ctx);
      const report = evaluate(ctx.now(), ctx.emit);
      if (report.measured !== "normal") startChecks(ctx);
      return report.level;
    },
    async report(ctx) {
      startChecks(ctx);
      await Promise.all([firstChecks(), pins.refresh(ctx)]);
      return evaluate(ctx.now(), ctx.emit);
    },
    known: (at) => evaluate(at, emit),
    pin: (pin, ctx) => pins.set(pin, ctx),
  };
}

/** Names the dependencies that do not work, such as "origin down, redis slow". */
function causeOf(states: Readonly<Record<BreakerName, DependencyState>>): string {
  const bad = Object.entries(states).filter(([, state]) => state === "down" || state === "slow");
  return bad.map(([name, state]) => `${name} ${state}`).join(", ") || "recovered";
}
