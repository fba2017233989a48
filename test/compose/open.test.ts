import { describe, expect, it } from "vitest";
import { definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const POLICY = definePolicy({ freshFor: "5m", tags: ["all"] });

describe("open() and wrap() of the whole layer", () => {
  it("a value that a request loaded is a hit of the opened cache, and its invalidation reaches the request", async () => {
    const isolate = createTestIsolate({ namespace: uniqueNamespace() });
    await isolate.request().read(key("n", 1), POLICY, async () => 1);
    const cache = isolate.layer.open();
    expect(await cache.get(key("n", 1), POLICY)).toMatchObject({ status: "hit-memory", value: 1 });
    await cache.invalidate(key("n", 1));
    const again = await isolate.request().read(key("n", 1), POLICY, async () => 2);
    expect([again.status, again.value]).toEqual(["miss", 2]);
    expect(await cache.set(key("n", 1), 3, POLICY, { asOf: cache.position() })).toBe(true);
    expect((await isolate.request().read(key("n", 1), POLICY, async () => 4)).value).toBe(3);
    await isolate.settle();
  });

  it("a wrapped function of one isolate answers with what another isolate has stored in Redis", async () => {
    const namespace = uniqueNamespace();
    const [one, other] = [createTestIsolate({ namespace }), createTestIsolate({ namespace })];
    const options = { name: "square", policy: { freshFor: "5m" } } as const;
    const squareOf = one.layer.wrap(async (n: number) => n * n, options);
    expect(await squareOf(3)).toBe(9);
    const has = async () => other.layer.open().has(squareOf.key(3), options.policy);
    await expect.poll(has).toBe(true);
    const unused = other.layer.wrap(async (_n: number) => 0, options);
    expect(await unused(3)).toBe(9);
    await unused.invalidate(3);
    expect(await unused(3)).toBe(0);
  });
});
