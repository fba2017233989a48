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
  /** A new stub for the object of this name, near this region. Stubs break for good on errors. */
  readonly stub: (name: string, region: string) => FlightShardRpc;
  /** Keys of one namespace are not keys of another. */
  readonly namespace: string;
  /** Objects a scope is spread over. */
  readonly shards: number;
  /** How long the object may take to grant a lease, or to say that another has it. */
  readonly grantMs: Millis;
  /** What a join may take beyond the wait that it asked for. */
  readonly slackMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** Presents the flight objects as the port that the engine knows. */
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
    const patienceMs = request.waitMs + slackMs;
    const waits = Promise.withResolvers<void>();
    const answer = shardFor(scope, request.key, ctx).join(request, waits.resolve);
    try {
      // A lease is no load: an object that is there grants it, or says who has it, at once.
      await withTimeout(Promise.race([answer, waits.promise]), grantMs);
    } catch (error) {
      ctx.defer(
        withTimeout(giveBack(scope, request.key, answer, ctx), patienceMs).catch(() => undefined),
      );
      throw error;
    }
    return withTimeout(answer, patienceMs);
  }

  /** A lease that comes too late is for the next who waits. */
  async function giveBack(
    scope: Scope,
    key: string,
    answer: Promise<JoinAnswer>,
    ctx: Context,
  ): Promise<void> {
    const late = await answer;
    if (late.role !== "leader") return;
    const gone = fault("flight.timeout", "its reader has gone on without it");
    const landing = { kind: "failed", fault: gone } as const;
    await shardFor(scope, key, ctx).land({ key, lease: late.lease, landing });
  }

  return {
    join: (scope, request, ctx) => attempt(() => join(scope, request, ctx)),
    land: (scope, request, ctx) =>
      attempt(() => withTimeout(shardFor(scope, request.key, ctx).land(request), slackMs)),
  };
}

type Scope = "region" | "global";
