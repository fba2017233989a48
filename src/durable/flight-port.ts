import { done, failed, messageOf } from "../core/faults.ts";
import type { Context, FlightPort, Result } from "../core/ports.ts";
import type { FlightShardRpc } from "./flight-shard.ts";
import type { Millis } from "../core/time.ts";

export interface FlightPortOptions {
  /** A new stub for the object of this name, near this region. Stubs break for good on errors. */
  readonly stub: (name: string, region: string) => FlightShardRpc;
  /** Keys of one namespace are not keys of another. */
  readonly namespace: string;
  /** Objects a scope is spread over. */
  readonly shards: number;
  /** What a join may take beyond the wait that it asked for. */
  readonly slackMs: Millis;
  readonly within: <T>(work: Promise<T>, ms: Millis) => Promise<T>;
}

/** Presents the flight objects as the port that the engine knows. */
export function createFlightPort(options: FlightPortOptions): FlightPort {
  const { stub, namespace, shards, slackMs, within } = options;

  function shardOf(scope: "region" | "global", key: string, ctx: Context): FlightShardRpc {
    const area = scope === "global" ? "global" : `region-${ctx.region}`;
    return stub(`${namespace}-${area}-${hash(key) % shards}`, ctx.region);
  }

  async function attempt<T>(call: () => Promise<T>, ms: Millis): Promise<Result<T>> {
    try {
      return done(await within(call(), ms));
    } catch (error) {
      const late = error instanceof Error && error.name === "DeadlineExceeded";
      return failed(late ? "flight.timeout" : "flight.unavailable", messageOf(error));
    }
  }

  return {
    join: (scope, request, ctx) =>
      attempt(() => shardOf(scope, request.key, ctx).join(request), request.waitMs + slackMs),
    land: (scope, request, ctx) =>
      attempt(() => shardOf(scope, request.key, ctx).land(request), slackMs),
  };
}

/** FNV-1a, 32 bits: spreads keys over shards. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
