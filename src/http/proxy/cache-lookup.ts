import type { Entry, Variant } from "../../core/entry.ts";
import { CacheUnavailable } from "../../core/faults.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { NOT_STORED } from "../cache/storage-decision.ts";
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
  const streaming = Promise.withResolvers<Response>();
  const result: ClientResult = { streaming, whenStored: () => running.then(ignore, ignore) };
  const task: LoadTask = {
    ...(!options.sharing.sharesFailures && { client: clientAddressOf(request) }),
    freshnessOf: (entry, now) => decideReuse(request, entry, control, now),
    flightScopeOf: (stored, invalidated) => flightScopeOf(options, proxied, stored, invalidated),
    requestKindOf: proxied.kindOf,
    async load(_signal, stored) {
      if (control.onlyIfCached) {
        result.response = onlyIfCachedProblem();
        return NOT_STORED;
      }
      // The client may have its response, or have left, before the load's result is stored.
      ctx.defer(result.whenStored());
      return loadFromOrigin(options, proxied, key, variants, stored, result);
    },
    refresh: (_signal, stored) => refresh(options, proxied, key, variants, stored),
  };
  const running = options.engine.lookup(key, options.policy, task, ctx);
  try {
    return await Promise.race([
      running.then((lookup) => ({ result, lookup })),
      streaming.promise.then((streamed) => ({ result, streamed })),
    ]);
  } catch (error) {
    if (error instanceof CacheUnavailable) return { result, failure: error };
    throw error;
  }
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
