import { done, failed, fault, messageOf } from "../core/faults.ts";
import type { Context, FlightPort, JoinAnswer, JoinRequest, Result } from "../core/ports.ts";
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
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

/** Presents the flight objects as the port that the engine knows. */
export function createFlightPort(options: FlightPortOptions): FlightPort {
  const { stub, namespace, shards, grantMs, slackMs, within } = options;

  function shardOf(scope: Scope, key: string, ctx: Context): FlightShardRpc {
    const area = scope === "global" ? "global" : `region-${ctx.region}`;
    return stub(`${namespace}-${area}-${hash(key) % shards}`, ctx.region);
  }

  async function attempt<T>(call: () => Promise<T>): Promise<Result<T>> {
    try {
      return done(await call());
    } catch (error) {
      const late = error instanceof Error && error.name === "DeadlineExceeded";
      return failed(late ? "flight.timeout" : "flight.unavailable", messageOf(error));
    }
  }

  async function join(scope: Scope, request: JoinRequest, ctx: Context): Promise<JoinAnswer> {
    const patienceMs = request.waitMs + slackMs;
    const waits = Promise.withResolvers<void>();
    const answer = shardOf(scope, request.key, ctx).join(request, waits.resolve);
    try {
      // A lease is no load: an object that is there grants it, or says who has it, at once.
      await within(Promise.race([answer, waits.promise]), grantMs);
    } catch (error) {
      ctx.defer(
        within(giveBack(scope, request.key, answer, ctx), patienceMs).catch(() => undefined),
      );
      throw error;
    }
    return within(answer, patienceMs);
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
    await shardOf(scope, key, ctx).land({ key, lease: late.lease, landing });
  }

  return {
    join: (scope, request, ctx) => attempt(() => join(scope, request, ctx)),
    land: (scope, request, ctx) =>
      attempt(() => within(shardOf(scope, request.key, ctx).land(request), slackMs)),
  };
}

type Scope = "region" | "global";

/** FNV-1a, 32 bits: spreads keys over shards. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
