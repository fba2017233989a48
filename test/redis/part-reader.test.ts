import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { encodeEntry } from "../../src/core/codec.ts";
import { createRedis } from "../../src/redis/client.ts";
import { createPartReader, type PartReaderOptions } from "../../src/redis/part-reader.ts";
import { split } from "../../src/redis/parts.ts";
import { entryOf } from "../support/entries.ts";
import { redisCommand } from "../support/gateway.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const PART_CHARS = 1_000;
const PARTS = 8;

/** Stores the parts of entries of eight parts each, and reads them from their heads. */
async function setup(entries: number, options: Partial<PartReaderOptions> = {}) {
  const namespace = uniqueNamespace();
  const redis = createRedis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    timeoutMs: 10_000,
  });
  const partKey = (name: string): string => `${namespace}:p:${name}`;
  const texts: string[] = [];
  const heads: string[] = [];
  for (let i = 0; i < entries; i++) {
    const text = encodeEntry(entryOf({ key: `item:${i}`, body: "x".repeat(7_500) }));
    const divided = await split(text, PART_CHARS);
    if (divided?.parts.length !== PARTS) throw new Error("not eight parts");
    for (const { name, text: part } of divided.parts)
      await redisCommand("SET", partKey(name), part, "PX", 60_000);
    texts.push(text);
    heads.push(divided.head);
  }
  const requests: number[] = [];
  const read = createPartReader({
    redis: {
      mget: ((...keys: string[]) => {
        requests.push(keys.length);
        return redis.mget(...keys);
      }) as PartReaderOptions["redis"]["mget"],
    },
    partKey,
    partChars: PART_CHARS,
    maxChars: 3 * PARTS * PART_CHARS,
    ...options,
  });
  return { texts, heads, read, requests };
}

describe("createPartReader", () => {
  it("a read of ten heads, of which the bound has room for three, reads the parts of the first three and leaves the others incomplete", async () => {
    const { texts, heads, read, requests } = await setup(10);
    const wholes = await read(heads);
    expect(wholes.slice(0, 3)).toEqual(texts.slice(0, 3).map((text) => ({ kind: "whole", text })));
    expect(wholes.slice(3)).toEqual(heads.slice(3).map(() => ({ kind: "incomplete" })));
    // All parts of the read are in one request, because they are short.
    expect(requests).toEqual([3 * PARTS]);
  });

  it("an entry whose parts are longer than the bound is read if it is the first one with parts", async () => {
    const { texts, heads, read } = await setup(2, { maxChars: PART_CHARS });
    const wholes = await read(["a text without parts", ...heads]);
    expect(wholes).toEqual([
      { kind: "whole", text: "a text without parts" },
      { kind: "whole", text: texts[0] },
      { kind: "incomplete" },
    ]);
  });

  it("one request reads four parts of 1 Mi characters, and more of shorter ones", async () => {
    const large = await setup(1, { partChars: 2 ** 20, maxChars: 16 * 2 ** 20 });
    expect(await large.read(large.heads)).toEqual([{ kind: "whole", text: large.texts[0] }]);
    expect(large.requests).toEqual([4, 4]);
  });

  it("a read of texts without parts sends no request", async () => {
    const { read, requests } = await setup(0);
    expect(await read(["", "a text"])).toEqual([
      { kind: "whole", text: "" },
      { kind: "whole", text: "a text" },
    ]);
    expect(requests).toEqual([]);
  });
});
