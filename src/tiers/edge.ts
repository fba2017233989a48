import type { WithTimeout } from "../core/deadline.ts";
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Entry } from "../core/entry.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { Millis } from "../core/time.ts";
import { callCache } from "./cache-call.ts";

export interface EdgeTierOptions {
  /** Opens the cache. The tier calls this with each operation, because a module cannot wait while it loads. */
  readonly open: () => Promise<Cache>;
  readonly timeoutMs: Millis;
  /**
   * The maximum number of characters of a stored entry: reading a larger one would take longer than
   * asking Redis. Default: no maximum.
   */
  readonly maxEntryChars?: number;
  /** Ends a wait at a deadline. It is injected because timers belong to the platform. */
  readonly withTimeout: WithTimeout;
}

/**
 * Creates the tier of one data centre: the Workers Cache API. The Cache API has no stale serving
 * and no variants, and it evaluates conditional and range requests by itself. The tier therefore
 * stores an envelope (status 200, the encoded entry as the body) and asks by URL alone, without
 * request fields.
 *
 * @see https://developers.cloudflare.com/workers/runtime-apis/cache/
 */
export function createEdgeTier(options: EdgeTierOptions): Tier {
  const { open, timeoutMs, withTimeout, maxEntryChars = Infinity } = options;

  const attempt = <T>(work: (cache: Cache) => Promise<T>): Promise<Result<T>> =>
    callCache(() => open().then(work), timeoutMs, withTimeout);

  return {
    name: "edge",

    get: (key, ctx) =>
      attempt(async (cache): Promise<Entry | undefined> => {
        const envelope = await cache.match(urlOf(key, ctx));
        if (envelope === undefined) return undefined;
        const entry = decodeEntry(key, await envelope.text());
        if (entry === undefined) await cache.delete(urlOf(key, ctx));
        return entry;
      }),

    set: (entry, ctx, keepMs = Infinity) =>
      attempt(async (cache): Promise<void> => {
        const seconds = Math.floor(Math.min(entry.deleteAt - ctx.now(), keepMs) / 1000);
        if (seconds <= 0) return;
        const text = encodeEntry(entry);
        if (text.length > maxEntryChars) {
          ctx.emit({ type: "entry.reject", key: entry.key, tier: "edge", reason: "too-big" });
          await cache.delete(urlOf(entry.key, ctx));
          return;
        }
        const headers = { "Cache-Control": `public, max-age=${seconds}` };
        await cache.put(urlOf(entry.key, ctx), new Response(text, { headers }));
      }),

    delete: (keys, ctx) =>
      attempt(async (cache): Promise<void> => {
        await Promise.all(keys.map((key) => cache.delete(urlOf(key, ctx))));
      }),
  };
}

/** Returns a URL under the Worker's own host that no route answers. Every key fits into a URL, because it has visible ASCII only. */
function urlOf(key: string, ctx: Context): string {
  return `https://${ctx.host}/__strata/entries/${encodeURIComponent(key)}`;
}
