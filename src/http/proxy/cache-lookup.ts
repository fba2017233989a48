import type { Entry, Variant } from "../../core/entry.ts";
import { CacheUnavailable } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { LoadTask, Read } from "../../engine/lookup-request.ts";
import { judge } from "../../engine/judge.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse, isConfirmable } from "../cache/reuse-decision.ts";
import { rawResponse } from "../cache/raw-response.ts";
import { serve } from "../cache/serve.ts";
import { NOT_STORED } from "../cache/storage-decision.ts";
import { CONDITIONAL_FIELDS } from "../rfc/validation.ts";
import { matches } from "../rfc/vary.ts";
import type { Arrival, Listener } from "./arrivals.ts";
import { clientAddressOf } from "./client-address.ts";
import { flightScopeOf } from "./flight-scope.ts";
import { loadFromOrigin } from "./origin-load.ts";
import {
  createRefreshResult,
  type ClientResult,
  type ProxiedRequest,
  type ProxyOptions,
} from "./proxied-request.ts";

/** What a lookup gives to its client. One of `lookup`, `streamed` and `failure` is present. */
export interface ProxiedLookup {
  readonly result: ClientResult;
  readonly lookup?: Lookup;
  /** The origin's response, whose body is still arriving. The lookup goes on in the background. */
  readonly streamed?: Response;
  readonly failure?: CacheUnavailable;
}

/**
 * Looks `key` up in the cache, and loads it from the origin if no entry may answer. If the client
 * wants a part of a response that cannot be stored, a second lookup asks for that part.
 */
export async function lookUp(
  options: ProxyOptions,
  proxied: ProxiedRequest,
  key: string,
  variants: readonly Variant[],
): Promise<ProxiedLookup> {
  const found = await lookUpOnce(options, proxied, key, variants);
  return found.result.lacksPart === true
    ? lookUpOnce(options, { ...proxied, fillsCache: () => false }, key, variants)
    : found;
}

async function lookUpOnce(
  options: ProxyOptions,
  proxied: ProxiedRequest,
  key: string,
  variants: readonly Variant[],
): Promise<ProxiedLookup> {
  const { request, control, ctx } = proxied;
  const { sharing } = options;
  const streaming = Promise.withResolvers<Response>();
  const result: ClientResult = {
    streaming,
    whenStored: () => Promise.resolve(running).then(ignore, ignore),
  };
  const task: LoadTask = {
    ...(!sharing.sharesFailures && {
      client: () => clientAddressOf(request, options.fieldRules),
    }),
    // `forward` takes a slot of the proxy for each request to the origin.
    takesSlot: false,
    freshnessOf: (entry, now) => decideReuse(request, entry, control, sharing, now),
    flightScopeOf(stored, invalidated) {
      // The lookup has passed memory: from here on it may wait for another one.
      if (listener === undefined && asks === "nothing" && isPlainGet(request)) listen();
      return flightScopeOf(options, proxied, stored, invalidated);
    },
    requestKindOf: proxied.kindOf,
    async load(_signal, stored) {
      // This client already reads the response that the lookup waited for.
      if (asks === "joined") return NOT_STORED;
      asks = "origin";
      if (control.onlyIfCached) {
        result.response = onlyIfCachedProblem();
        return NOT_STORED;
      }
      // The client may have its response, or have left, before the load's result is stored.
      ctx.defer(result.whenStored());
      const confirmable =
        stored !== undefined && isConfirmable(request, stored, sharing) ? stored : undefined;
      return loadFromOrigin(options, proxied, key, variants, confirmable, result);
    },
    refresh: (_signal, stored) => refresh(options, proxied, key, variants, stored),
  };
  let listener: Listener | undefined;
  let asks: "nothing" | "origin" | "joined" | "ended" = "nothing";

  const hasJoined = (): boolean => asks === "joined";

  function listen(): void {
    const read = options.engine.beginRead(key, options.policy, ctx);
    listener = options.arrivals.listen(key);
    listener.arrival.then((arrival) => join(arrival, read)).catch(ignore);
  }

  /** Answers from a response whose body is still arriving for another client. */
  async function join(arrival: Arrival, read: Read): Promise<void> {
    const { head, selectors, since } = arrival;
    // A lookup that asks the origin itself has a response of its own.
    if (asks !== "nothing" || !matches(selectors, proxied.forwardedFields())) return;
    const judged = await judge(options.engine, head, since, read);
    if (judged === undefined || decideReuse(request, head, control, sharing, ctx.now()) !== "fresh")
      return;
    if (asks !== "nothing") return;
    const body = arrival.join();
    if (body === undefined) return;
    asks = "joined";
    const { status, headers } = serve(request, head, ctx.now(), { reused: true });
    const { unreachable } = judged;
    result.forwarded = { fwd: "uri-miss", status, storable: true, collapsed: true, unreachable };
    streaming.resolve(rawResponse(body, status, headers));
  }

  const running = options.engine.lookup(key, options.policy, task, ctx);
  if (!(running instanceof Promise)) return { result, lookup: running };
  const streamed = streaming.promise.then((response): ProxiedLookup => ({
    result,
    streamed: response,
  }));
  try {
    return await Promise.race([
      running.then((lookup): ProxiedLookup | Promise<ProxiedLookup> => {
        if (asks === "nothing") asks = "ended";
        return hasJoined() ? streamed : { result, lookup };
      }),
      streamed,
    ]);
  } catch (error) {
    if (hasJoined()) return await streamed;
    if (error instanceof CacheUnavailable) return { result, failure: error };
    throw error;
  } finally {
    if (asks === "nothing") asks = "ended";
    listener?.stop();
  }
}

/** Whether the whole response, with its body, is the answer. */
function isPlainGet({ method, headers }: Request): boolean {
  return method === "GET" && !CONDITIONAL_FIELDS.some((name) => headers.has(name));
}

const ignore = (): void => undefined;

/** Loads without a client: a response that is not stored is discarded. */
async function refresh(
  options: ProxyOptions,
  proxied: ProxiedRequest,
  key: string,
  variants: readonly Variant[],
  stored: Entry | undefined,
): ReturnType<typeof loadFromOrigin> {
  const result = createRefreshResult();
  const loaded = await loadFromOrigin(options, proxied, key, variants, stored, result);
  await result.response?.body?.cancel();
  return loaded;
}
