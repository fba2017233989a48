import { describe, expect, it } from "vitest";
import { decodeFilter, encodeFilter } from "../../src/core/existence-filter.ts";
import { insert, keyOf, open, openShop, purge, redis } from "./existence-shop.ts";

describe("an existence filter", () => {
  it("an existence filter built from the ids 1, 2 and 3 reports id 4 as missing, and the ids 1 and 3 as possibly present", async () => {
    const shop = openShop();
    const reader = open(shop);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
    expect(await reader.mayExist(1)).toBe(true);
    expect(await reader.mayExist(3)).toBe(true);
    expect(await reader.mayExist(4)).toBe(false);
  });

  it("an existence filter answers without a promise for an id that it has", async () => {
    const shop = openShop();
    const reader = open(shop);
    const ask = () =>
      reader.existence.mayExist("product", keyOf(1), [], reader.isolate.request().ctx);
    expect(ask()).toBe(true);
    await reader.build();
    expect(await reader.mayExist(4)).toBe(false);
    expect(ask()).toBe(true);
  });

  it("an existence filter also reports a missing id as missing to an isolate that did not build the filter", async () => {
    const shop = openShop();
    await open(shop).build();
    const other = open(shop, "colo-b");
    expect(await other.mayExist(2)).toBe(true);
    expect(await other.mayExist(9)).toBe(false);
  });

  it("an isolate does not load an existence filter while none of its lookups has found a key missing", async () => {
    const shop = openShop();
    await open(shop).build();
    const { existence, isolate } = open(shop, "colo-b");
    const ask = () => existence.mayExist("product", keyOf(9), [], isolate.request().ctx);
    for (let n = 0; n < 3; n++) expect(await ask()).toBe(true);
    await isolate.settle();
    expect(await ask()).toBe(true);
  });

  it("without an existence filter, an id that does not exist is reported as possibly present", async () => {
    expect(await open(openShop()).mayExist(9)).toBe(true);
  });

  it("an existence filter does not report an id as missing that was inserted after the filter was built", async () => {
    const shop = openShop();
    const [writer, early] = [open(shop), open(shop, "colo-b")];
    await writer.build();
    expect(await early.mayExist(5)).toBe(false);

    await insert(writer, shop, 5);
    early.isolate.clock.advance(1_001);
    expect(await early.mayExist(5)).toBe(true);
    expect(await early.mayExist(6)).toBe(false);
    const late = open(shop, "colo-c");
    expect(await late.mayExist(5)).toBe(true);
    expect(await late.mayExist(6)).toBe(false);
  });

  it("an existence filter does not report an id as missing that the same isolate has just written", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(5)).toBe(false);
    reader.isolate.layer.coherence.markInvalidated(["t:product:5"]);
    expect(await reader.mayExist(5)).toBe(true);
  });

  it("an existence filter does not report an id as missing that was inserted while the filter was being built", async () => {
    const shop = openShop();
    const reader = open(shop);
    const { existence, isolate } = reader;
    existence.define({
      name: "raced",
      async listKeys() {
        const listed = [...shop.ids].map(keyOf);
        await insert(reader, shop, 7);
        return listed;
      },
    });
    await existence.buildAll(isolate.request().ctx);
    const other = open(shop, "colo-b");
    const ask = (id: number) =>
      other.existence.mayExist("raced", keyOf(id), [`product:${id}`], other.isolate.request().ctx);
    other.existence.missed("raced", other.isolate.request().ctx);
    await other.isolate.settle();
    expect(await ask(7)).toBe(true);
    expect(await ask(8)).toBe(false);
  });

  it("an existence filter no longer reports an id as missing after a purge of the prefix of its keys or a purge of everything", async () => {
    for (const member of ["p:product:", "n:"] as const) {
      const shop = openShop();
      const reader = open(shop);
      await reader.build();
      expect(await reader.mayExist(9)).toBe(false);
      await purge(reader, member);
      expect(await reader.ask(9)).toBe(true);
    }
  });

  it("after the invalidation log was lost, an existence filter reports a missing id as possibly present until the filter is built again", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(9)).toBe(false);
    await redis.del(`${shop.namespace}:inv`);
    reader.isolate.clock.advance(1_001);
    expect(await reader.mayExist(9)).toBe(true);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
    reader.isolate.clock.advance(10_000);
    expect(await reader.mayExist(9)).toBe(false);
  });

  it("an existence filter that is older than the option `maxAgeMs` reports a missing id as possibly present", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    expect(await reader.mayExist(9)).toBe(false);
    reader.isolate.clock.advance(3_600_001);
    expect(await reader.mayExist(9)).toBe(true);
  });

  it("an existence filter reports a missing id as possibly present if one response cannot carry all later changes of the invalidation log", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const members = Array.from({ length: 1_100 }, (_, n) => `t:other:${n}` as const);
    await reader.isolate.layer.coherence.invalidate(members, reader.isolate.request().ctx);
    expect(await open(shop, "colo-b").mayExist(9)).toBe(true);
  });

  it.each([
    ["truncated", (text: string) => text.slice(0, -4)],
    ["foreign text", () => "hello"],
    ["without a header", (text: string) => text.replace(/\{.*\}/, "{}")],
  ])(
    "an existence filter whose stored text is %s reports a missing id as possibly present",
    async (_, spoil) => {
      const shop = openShop();
      const reader = open(shop);
      await reader.build();
      const { ctx } = reader.isolate.request();
      const stored = await shop.filters.load("product", ctx);
      const text = stored.ok ? (stored.value ?? "") : "";
      expect(decodeFilter(text)).toBeDefined();
      await shop.filters.save("product", spoil(text), 60_000, ctx);
      expect(await reader.mayExist(9)).toBe(true);
    },
  );

  it("an existence filter is not built again before the time in the option `rebuildMs` has passed", async () => {
    const reader = open(openShop());
    await reader.build();
    expect(await reader.build()).toEqual({ ok: true, value: "young" });
    reader.isolate.clock.advance(60_001);
    expect(await reader.build()).toEqual({ ok: true, value: "built" });
  });

  it("an existence filter is not built if listing the keys failed", async () => {
    const reader = open(openShop());
    reader.existence.define({
      name: "broken",
      listKeys: () => Promise.reject(new Error("the origin is away")),
    });
    const results = await reader.existence.buildAll(reader.isolate.request().ctx);
    expect(results.get("broken")).toMatchObject({ ok: false });
    expect(results.get("product")).toMatchObject({ ok: true });
  });

  it("an encoded existence filter decodes to the same filter", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const stored = await shop.filters.load("product", reader.isolate.request().ctx);
    const filter = stored.ok ? decodeFilter(stored.value ?? "") : undefined;
    expect(filter?.count).toBe(3);
    expect(filter && encodeFilter(filter)).toBe(stored.ok ? stored.value : "");
  });

  it("an existence filter in format version 1 reports a missing id as possibly present, and the next build replaces it", async () => {
    const shop = openShop();
    const reader = open(shop);
    await reader.build();
    const { ctx } = reader.isolate.request();
    const stored = await shop.filters.load("product", ctx);
    const old = (stored.ok ? (stored.value ?? "") : "").replace("exists2", "exists1");
    await shop.filters.save("product", old, 60_000, ctx);
    const other = open(shop, "colo-b");
    expect(await other.mayExist(9)).toBe(true);
    expect(await other.build()).toEqual({ ok: true, value: "built" });
    expect(await open(shop, "colo-c").mayExist(9)).toBe(false);
  });

  it("each build of an existence filter uses a different hash seed", async () => {
    const shop = openShop();
    const reader = open(shop);
    const seeds = new Set<string>();
    for (let n = 0; n < 3; n++) {
      await reader.build();
      const stored = await shop.filters.load("product", reader.isolate.request().ctx);
      seeds.add(JSON.stringify(decodeFilter(stored.ok ? (stored.value ?? "") : "")?.bloom.seed));
      reader.isolate.clock.advance(60_001);
    }
    expect(seeds.size).toBe(3);
  });
});
