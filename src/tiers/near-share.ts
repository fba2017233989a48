import type { WithTimeout } from "../core/deadline.ts";
import type { Context } from "../core/context.ts";
import { decodeShare, encodeShare } from "../core/log-share.ts";
import type { NearShare } from "../core/log-shares.ts";
import { CLAIM_MS } from "../core/share-timing.ts";
import type { Millis } from "../core/time.ts";

/** The Cache API counts lifetimes in seconds. The text says exactly how old it is. */
const HEADERS = { "Cache-Control": "public, max-age=2" };

export interface NearShareOptions {
  /** Opens the cache. Each operation calls it, because a module cannot wait while it loads. */
  readonly open: () => Promise<Cache>;
  /** Time limit of each operation. It is short, because Redis can be asked instead. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

/** The share of a data centre in its Workers Cache API. */
export function createNearShare({ open, timeoutMs, withTimeout }: NearShareOptions): NearShare {
  async function attempt<T>(work: (cache: Cache) => Promise<T>): Promise<T | undefined> {
    try {
      return await withTimeout(open().then(work), timeoutMs);
    } catch {
      // A share that cannot be read or written costs a question to Redis, nothing else.
      return undefined;
    }
  }

  /** The share that this isolate wrote last. */
  let written: string | undefined;

  const textAt = (url: string): Promise<string | undefined> =>
    attempt(async (cache) => (await cache.match(url))?.text());
  const put = (url: string, text: string): Promise<void> =>
    attempt((cache) => cache.put(url, new Response(text, { headers: HEADERS })));

  return {
    async read(ctx) {
      const text = await textAt(urlOf("share", ctx));
      return text === undefined ? undefined : decodeShare(text, ctx.now());
    },
    write(answer, ctx) {
      written = encodeShare(answer);
      return put(urlOf("share", ctx), written);
    },
    isOwn: async (ctx) => written !== undefined && (await textAt(urlOf("share", ctx))) === written,
    async isClaimed(ctx) {
      const text = await textAt(urlOf("claim", ctx));
      return text !== undefined && Math.abs(ctx.now() - Number(text)) < CLAIM_MS;
    },
    claim: (ctx) => put(urlOf("claim", ctx), String(ctx.now())),
  };
}

/** Returns a URL under the Worker's own host that no route answers. */
function urlOf(name: string, ctx: Context): string {
  return `https://${ctx.host}/__strata/log/${name}`;
}
