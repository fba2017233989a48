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
  /** Makes a stub for the object of this name, near this region. Each call gets a new one: a stub stays broken after an error. */
  readonly stub: (name: string, region: string) => FlightShardRpc;
  /** Separates the keys of applications. */
  readonly namespace: string;
  /** How many objects share the keys of a scope. */
  readonly shards: number;
  /** The time limit for a lease, or for the news that another reader has it. */
  readonly grantMs: Millis;
  /** The time that a join may take beyond the wait that it asked for, and the time limit of a landing. */
  readonly slackMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Implements `FlightPort` with calls of the FlightShard objects. */
export function createFlightPort(options: FlightPortOptions): FlightPort {
  const { stub, namespace, shards, grantMs, slackMs, withTimeout } = options;

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

  async function join(scope: Scope, request: JoinRequest, ctx: Context): Promise<JoinAnswer> {
    const answerMs = request.waitMs + slackMs;
    const waiting = Promise.withResolvers<void>();
    const answer = shardFor(scope, request.key, ctx).join(request, waiting.resolve);
    try {
      // A healthy object answers at once: it grants the lease or reports a wait. The load may take longer.
      await withTimeout(Promise.race([answer, waiting.promise]), grantMs);
    } catch (error) {
      ctx.defer(
        withTimeout(returnLease(scope, request.key, answer, ctx), answerMs).catch(() => undefined),
      );
      throw error;
    }
    return withTimeout(answer, answerMs);
  }

  /** Returns a lease that was granted after its reader gave up, so that the next reader gets it. */
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
    join: (scope, request, ctx) => attempt(() => join(scope, request, ctx)),
    land: (scope, request, ctx) =>
      attempt(() => withTimeout(shardFor(scope, request.key, ctx).land(request), slackMs)),
  };
}

type Scope = "region" | "global";
