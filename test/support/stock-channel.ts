import { env } from "cloudflare:workers";

/** A subscription to the Redis channel of all changes of stock. */
export interface StockChannel {
  /** Resolves with all messages of the product so far when there are `howMany`. */
  heard(howMany: number): Promise<readonly Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

/** Subscribes. Messages of other products are left out. */
export async function subscribe(productId: () => number): Promise<StockChannel> {
  const leaving = new AbortController();
  const response = await fetch(`${env.UPSTASH_REDIS_REST_URL}/subscribe/stock:updates`, {
    headers: { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` },
    signal: leaving.signal,
  });
  if (response.body === null) throw new Error("the subscription has no body");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const messages: Record<string, unknown>[] = [];
  let text = "";
  return {
    async heard(howMany) {
      while (messages.length < howMany) {
        const { value = "" } = await reader.read();
        const lines = (text + value).split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          const json = /^data: message,stock:updates,(.*)$/.exec(line)?.[1];
          if (json === undefined) continue;
          const message = JSON.parse(json) as Record<string, unknown>;
          if (message["product_id"] === productId()) messages.push(message);
        }
      }
      return messages;
    },
    async close() {
      leaving.abort();
      await reader.cancel().catch(() => undefined);
    },
  };
}
