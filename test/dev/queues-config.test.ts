import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { furtherInstance, readWranglerConfig } from "../../dev/supervisor/wrangler-config.ts";

const file = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

interface Queues {
  readonly producers: readonly { readonly binding: string; readonly queue: string }[];
  readonly consumers: readonly Readonly<Record<string, unknown>>[];
}

describe("the queues of wrangler.toml", () => {
  it("each consumer sets its batch size, timeout and retries, and the queue of QUEUE has the queue of DEAD_LETTERS as its dead-letter queue", async () => {
    const config = await readWranglerConfig(file);
    const { producers, consumers } = config.raw["queues"] as Queues;
    const names = Object.fromEntries(producers.map(({ binding, queue }) => [binding, queue]));
    expect(names).toEqual({ QUEUE: "strata-messages", DEAD_LETTERS: "strata-dead-letters" });
    for (const consumer of consumers)
      expect(consumer).toMatchObject({
        max_batch_size: 100,
        max_batch_timeout: 1,
        max_retries: 100,
      });
    expect(consumers.map(({ queue, dead_letter_queue: dead }) => [queue, dead])).toEqual([
      [names["QUEUE"], names["DEAD_LETTERS"]],
      [names["DEAD_LETTERS"], undefined],
    ]);
  });

  it("a further instance of `npm run dev` has the same queues as the first", async () => {
    const config = await readWranglerConfig(file);
    expect(furtherInstance(config, 2)["queues"]).toEqual(config.raw["queues"]);
  });
});
