import { isDeadlineExceeded } from "../core/deadline.ts";
import type { WithTimeout } from "../core/deadline.ts";
import { shardOf } from "../core/hash.ts";
import { done, failed, fault, messageOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { FlightPort, JoinAnswer, JoinRequest } from "../core/flight-port.ts";
import type { Result } from "../core/result.ts";
import type { FlightShardRpc } from "./flight-shard.ts";
import type { Millis } from "../core/time.ts";

export interface FlightPortOptions {
  /**
   * Creates a stub for the object with this name, near the region. Each call creates a new stub,
   * because a stub cannot be used again after an error.
   */
  readonly stub: (name: string, region: string) => FlightShardRpc;
  /** The namespace. It separates the keys of applications. */
  readonly namespace: string;
  /** The number of objects over which the keys of a scope are distributed. */
  readonly shards: number;
  /** The time limit for an object to grant a lease, or to answer that another lookup has the lease. */
  readonly grantMs: Millis;
  /**
   * The time that an object may take to answer after the requested wait has ended. It is also the
   * time limit of the call with which a leader hands over its result.
   */
  readonly slackMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** A flight port whose objects can be tried without a reader that waits. */
export interface ProbedFlightPort extends FlightPort {
  /** Calls the object whose join failed last. The breaker sends it in the background. */
  probe(): Promise<Result<void>>;
}

/** Implements `FlightPort` with calls of the FlightShard objects. */
export function createFlightPort(options: FlightPortOptions): ProbedFlightPort {
  const { stub, namespace, shards, grantMs, slackMs, withTimeout } = options;
  /** Creates a stub of the object whose join failed last. */
  let lastFailed: (() => FlightShardRpc) | undefined;

  function shardFor(scope: Scope, key: string, ctx: Context): FlightShardRpc {
    const area = scope === "global" ? "global" : `region-${ctx.region}`;
    return stub(`${namespace}-${area}-${shardOf(key, shards)}`, ctx.region);
  }

  async function attempt<T>(call: () => Promise<T>): Promise<Result<T>> {
    try {
      return done(await call());
    } catch (error) {
      return failed(
        isDeadlineExceeded(error) ? "flight.timeout" : "flight.unavailable",
        messageOf(error),
      );
    }
  }

  async function join(
    scope: Scope,
    request: JoinRequest,
    ctx: Context,
    onWait: () => void = () => undefined,
  ): Promise<JoinAnswer> {
    // A long slack must not take the time in which the reader could load itself.
    const answerMs = request.waitMs + Math.min(slackMs, grantMs);
    const waiting = Promise.withResolvers<void>();
    const answer = shardFor(scope, request.key, ctx).join(request, waiting.resolve);
    try {
      // A healthy object grants the lease or reports a wait at once. The load may take longer.
      await withTimeout(Promise.race([answer, waiting.promise]), grantMs);
      void waiting.promise.then(onWait);
      return await withTimeout(answer, answerMs);
    } catch (error) {
      // A later lease has ended by itself.
      const lateMs = answerMs + request.leaseMs;
      ctx.defer(
        withTimeout(returnLease(scope, request.key, answer, ctx), lateMs).catch(() => undefined),
      );
      throw error;
    }
  }

  /**
   * Returns a lease that was granted after its lookup had stopped waiting, so that the next lookup
   * gets the lease.
   */
  async function returnLease(
    scope: Scope,
    key: string,
    answer: Promise<JoinAnswer>,
    ctx: Context,
  ): Promise<void> {
    const late = await answer;
    if (late.role !== "leader") return;
    const unused = fault("flight.timeout", "the lease came too late for its reader");
    const landing = { kind: "failed", fault: unused } as const;
    await shardFor(scope, key, ctx).land({ key, lease: late.lease, landing });
  }

  return {
    async join(scope, request, ctx, onWait) {
      const joined = await attempt(() => join(scope, request, ctx, onWait));
      if (!joined.ok) lastFailed = () => shardFor(scope, request.key, ctx);
      return joined;
    },
    probe: () => attempt(async () => withTimeout(lastFailed?.().ping() ?? NOTHING, grantMs)),
    land: (scope, request, ctx) =>
      attempt(() => withTimeout(shardFor(scope, request.key, ctx).land(request), slackMs)),
  };
}

type Scope = "region" | "global";

const NOTHING = Promise.resolve();
