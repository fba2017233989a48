/** The queue of OpenNext, which asks the Worker to render stale pages again. */
import type { Duration } from "../core/duration.ts";
import { key } from "../core/key.ts";
import { definePolicy } from "../core/policy.ts";
import { sha256Hex } from "../core/sha256.ts";
import type { Strata } from "../data/strata.ts";

/** A message of OpenNext's queue. */
export interface OpenNextMessage {
  /** Equal for all messages that ask for the same render. */
  readonly MessageDeduplicationId: string;
  /** The request of the page. */
  readonly MessageBody: {
    /** The host of the request, with its port. */
    readonly host: string;
    /** The path of the page, with its query. */
    readonly url: string;
  };
}

/** The queue, in the form of OpenNext's `Queue`. */
export interface OpenNextQueue {
  /** The name that OpenNext logs. */
  readonly name: string;
  /** Renders the page, if it was not rendered within `onceIn`. Rejects if the render fails. */
  send(message: OpenNextMessage): Promise<void>;
}

/** The options of `openNextQueue`. */
export interface OpenNextQueueOptions {
  /** Sends a request to this Worker itself: `(url, init) => env.WORKER_SELF_REFERENCE.fetch(url, init)`. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Returns the secret by which Next.js knows a revalidation: `() => process.env.NEXT_PREVIEW_MODE_ID`. */
  readonly previewModeId: () => string | undefined;
  /** Time limit of one render. @default "10s" */
  readonly timeout?: Duration;
  /** A page is rendered at most once in this time, for each state of the page. @default "30s" */
  readonly onceIn?: Duration;
}

/**
 * Makes the queue of OpenNext. Isolates that share a store, and flight objects if there are any, render a stale page
 * once. A render that fails is tried again by a later request for the page, after a pause.
 *
 * @example
 * import { env } from "cloudflare:workers";
 *
 * const strata = createStrata({ namespace: "shop" });
 * const worker = (env as unknown as { WORKER_SELF_REFERENCE: Fetcher }).WORKER_SELF_REFERENCE;
 * const queue = openNextQueue(strata, {
 *   fetch: (url, init) => worker.fetch(url, init),
 *   previewModeId: () => "the value of NEXT_PREVIEW_MODE_ID",
 * });
 */
export function openNextQueue(strata: Strata, options: OpenNextQueueOptions): OpenNextQueue {
  const { fetch: send, previewModeId, timeout = "10s", onceIn = "30s" } = options;
  const policy = definePolicy({ freshFor: onceIn, originTimeout: timeout, jitter: 0 });

  async function render({ host, url }: OpenNextMessage["MessageBody"], signal: AbortSignal) {
    const secret = previewModeId();
    if (secret === undefined) throw new Error("NEXT_PREVIEW_MODE_ID is not set");
    const protocol = /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? "http" : "https";
    const response = await send(`${protocol}://${host}${url}`, {
      method: "HEAD",
      headers: { "x-prerender-revalidate": secret, "x-isr": "1" },
      signal,
    });
    await response.body?.cancel();
    const state = response.headers.get("x-nextjs-cache");
    if (response.status !== 200 || state !== "REVALIDATED")
      throw new Error(`the page was not rendered: HTTP ${response.status}, ${state}`);
  }

  return {
    name: "strata",
    async send({ MessageDeduplicationId: id, MessageBody: body }) {
      const once = key("next-queue", await sha256Hex(id));
      await strata.open().read(once, policy, async ({ signal }) => {
        await render(body, signal);
        return true;
      });
    },
  };
}
