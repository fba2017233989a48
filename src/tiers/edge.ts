import type { WithTimeout } from "../core/deadline.ts";
import { isDeadlineExceeded } from "../core/deadline.ts";
import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Entry } from "../core/entry.ts";
import { done, failed, messageOf } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import type { Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { Millis } from "../core/time.ts";

export interface EdgeTierOptions {
  /** The Cache API; it is opened on first use, since module scope may not wait. */
  readonly open: () => Promise<Cache>;
  readonly timeoutMs: Millis;
  /** Larger entries are not kept: reading them would take longer than asking Redis. Default: any size. */
  readonly maxEntryChars?: number;
  /** Runs a wait under a deadline; injected, for timers are the platform's. */
  readonly withTimeout: WithTimeout;
}

/**
 * The tier of one data centre: the Workers Cache API. The Cache API has no stale
 * serving, no variants, and answers conditions and ranges by itself; therefore
 * it holds an envelope (status 200, our codec inside) and is asked by bare URL.
 *
 * @see https://developers.cloudflare.com/workers/runtime-apis/cache/
 */
export function createEdgeTier(options: EdgeTierOptions): Tier {
  const { open, timeoutMs, withTimeout, maxEntryChars = Infinity } = options;

  async function attempt<T>(work: (cache: Cache) => Promise<T>): Promise<Result<T>> {
    try {
      return done(await withTimeout(open().then(work), timeoutMs));
    } catch (error) {
      return failed(
        isDeadlineExceeded(error) ? "edge.timeout" : "edge.unavailable",
        messageOf(error),
      );
    }
  }

  return {
    name: "edge",
    reach: "colo",

    get: (key, ctx) =>
      attempt(async (cache): Promise<Entry | undefined> => {
        const envelope = await cache.match(urlOf(key, ctx));
        if (envelope === undefined) return undefined;
        const entry = decodeEntry(key, await envelope.text());
        if (entry === undefined) await cache.delete(urlOf(key, ctx));
        return entry;
      }),

    set: (entry, ctx) =>
      attempt(async (cache): Promise<void> => {
        const seconds = Math.floor((entry.deleteAt - ctx.now()) / 1000);
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

/** A URL of our own host that no route answers; a key is visible ASCII by definition. */
function urlOf(key: string, ctx: Context): string {
  return `https://${ctx.host}/__strata/entries/${encodeURIComponent(key)}`;
}
