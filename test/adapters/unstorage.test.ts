/**
 * The driver under `createStorage` of unstorage. The first group tests the behaviours that the suite for drivers in
 * unstorage's repository tests, which its package does not contain.
 */
import { createStorage, restoreSnapshot } from "unstorage";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sha256Hex } from "../../src/core/sha256.ts";
import { strataDriver, type StrataDriverOptions } from "../../src/entries/unstorage.ts";
import { loseNetwork, restoreNetwork } from "../support/network.ts";
import { createIsolates, WINDOW_MS } from "./isolates.ts";

afterEach(restoreNetwork);

function setup(options: StrataDriverOptions = {}) {
  const isolates = createIsolates();
  const open = () => createStorage({ driver: strataDriver(isolates.start().strata, options) });
  return { isolates, open, storage: open() };
}

describe("the driver of unstorage under createStorage", () => {
  it("an item that was never set is not there", async () => {
    const { storage } = setup();
    expect(await storage.hasItem("first")).toBe(false);
    expect(await storage.getItem("first")).toBeNull();
    expect(await storage.getItemRaw("first")).toBeNull();
  });

  it("an item that is set is there, and is not there after removeItem", async () => {
    const { storage } = setup();
    await storage.setItem("s1:a", "test_data");
    await storage.setItem("s2:a", "test_data");
    await storage.setItem("s3:a?q=1", "test_data");
    for (const name of ["s1:a", "s2:a", "s3:a"]) {
      expect(await storage.hasItem(name)).toBe(true);
      expect(await storage.getItem(name)).toBe("test_data");
    }
    await storage.removeItem("s1:a");
    expect(await storage.hasItem("s1:a")).toBe(false);
    expect(await storage.getItem("s1:a")).toBeNull();
    expect(await storage.hasItem("s2:a")).toBe(true);
  });

  it("an object, an array, a number, a boolean and null are read as they were set", async () => {
    const { storage } = setup();
    const items = { object: { a: [1, { b: "ü" }] }, array: [1, "2"], number: 12, flag: true };
    for (const [name, value] of Object.entries(items)) await storage.setItem(name, value);
    for (const [name, value] of Object.entries(items))
      expect(await storage.getItem(name)).toEqual(value);
    await storage.setItem("none", null);
    expect(await storage.getItem("none")).toBeNull();
  });

  it("0, false and an object with toJSON are read as unstorage writes them, and an object of a class is refused", async () => {
    const { storage } = setup({ keys: "none" });
    await restoreSnapshot(storage, { zero: 0, flag: false });
    expect([await storage.getItem("zero"), await storage.getItem("flag")]).toEqual([0, false]);
    await storage.setItem("/data/a.json", { toJSON: () => "SERIALIZED" });
    expect(await storage.getItem("/data/a.json")).toBe("SERIALIZED");
    await expect(storage.setItem("b", new URLSearchParams())).rejects.toThrow("Cannot stringify");
    await storage.clear();
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  });

  it("bytes are read as they were set by setItemRaw", async () => {
    const { storage } = setup();
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await storage.setItemRaw("raw", bytes);
    expect(new Uint8Array((await storage.getItemRaw<Uint8Array>("raw")) ?? [])).toEqual(bytes);
  });

  it("setItems and getItems write and read several items", async () => {
    const { storage } = setup();
    await storage.setItems([
      { key: "a:1", value: "one" },
      { key: "a:2", value: "two" },
    ]);
    expect(await storage.getItems(["a:1", "a:2", "a:3"])).toEqual([
      { key: "a:1", value: "one" },
      { key: "a:2", value: "two" },
      { key: "a:3", value: null },
    ]);
  });

  it("clear of a storage removes all items of its mount and leaves those of another", async () => {
    const { storage, isolates } = setup();
    storage.mount("other", strataDriver(isolates.start().strata, { kind: "other" }));
    for (const name of ["a", "b:x", "other:a"]) await storage.setItem(name, 1);
    await storage.clear("other");
    expect(await storage.hasItem("other:a")).toBe(false);
    expect(await storage.hasItem("b:x")).toBe(true);
    await storage.clear();
    expect([await storage.hasItem("a"), await storage.hasItem("b:x")]).toEqual([false, false]);
  });

  it("the meta of an item has the time of its write, its lifetime, and what setMeta added", async () => {
    const { storage, isolates } = setup();
    await storage.setItem("a", 1, { ttl: 60 });
    await storage.setMeta("a", { owner: "Ada" });
    const { mtime, ttl, owner } = await storage.getMeta("a");
    expect({ ttl, owner }).toEqual({ ttl: 60, owner: "Ada" });
    expect(Math.abs(isolates.clock.now() - Number(mtime))).toBeLessThan(60_000);
    await storage.removeItem("a", { removeMeta: true });
    expect(await storage.getMeta("a")).toEqual({});
  });
});

describe("the driver of unstorage over several isolates", () => {
  it("an item that one isolate sets is read by another, and its replacement within the coherence bound", async () => {
    const { storage, open, isolates } = setup();
    const other = open();
    await storage.setItem("user:1", "old");
    expect(await other.getItem("user:1")).toBe("old");
    await storage.setItem("user:1", "new");
    expect(await storage.getItem("user:1")).toBe("new");
    isolates.clock.advance(WINDOW_MS);
    expect(await other.getItem("user:1")).toBe("new");
    await other.removeItem("user:1");
    isolates.clock.advance(WINDOW_MS);
    expect(await storage.getItem("user:1")).toBeNull();
  });

  it("without a shared store, an item and its replacement reach the other isolates of the data centre", async () => {
    const { isolates } = setup();
    const [here, there] = [isolates.startAlone(), isolates.startAlone()].map(({ strata }) =>
      createStorage({ driver: strataDriver(strata) }),
    );
    await here?.setItem("a", "old");
    expect(await there?.getItem("a")).toBe("old");
    await here?.setItem("a", "new");
    isolates.clock.advance(WINDOW_MS);
    expect(await there?.getItem("a")).toBe("new");
  });

  it("after two isolates set an item at the same time, all isolates read the same value or none", async () => {
    const { storage, open, isolates } = setup();
    const other = open();
    for (let round = 0; round < 10; round++) {
      await Promise.all([storage.setItem("a", "one"), other.setItem("a", "two")]);
      isolates.clock.advance(WINDOW_MS);
      const read = await Promise.all([storage, other, open()].map((one) => one.getItem("a")));
      expect(new Set(read.filter((value) => value !== null)).size).toBeLessThanOrEqual(1);
    }
  });

  it("an item ends after its ttl, and without one after the lifetime of the driver", async () => {
    const { storage, isolates } = setup({ freshFor: "1h" });
    await storage.setItem("short", 1, { ttl: 5 });
    await storage.setItem("long", 1);
    isolates.clock.advance(5_001);
    expect(await storage.getItem("short")).toBeNull();
    expect(await storage.getItem("long")).toBe(1);
    isolates.clock.advance(3_600_000);
    expect(await storage.getItem("long")).toBeNull();
  });

  it("storages of different kinds do not see each other's items", async () => {
    const { isolates } = setup();
    const { strata } = isolates.start();
    const [first, second] = ["first", "second"].map((kind) =>
      createStorage({ driver: strataDriver(strata, { kind }) }),
    );
    await first?.setItem("a", 1);
    expect(await second?.getItem("a")).toBeNull();
    await second?.clear();
    expect(await first?.getItem("a")).toBe(1);
  });

  it("an item with a name of 5,000 characters is set, read and removed like any other", async () => {
    const { storage, open } = setup();
    const names = ["a".repeat(5_000), `b:${"ü".repeat(2_500)}:c:d`, "x:".repeat(1_000) + "y"];
    for (const [at, name] of names.entries()) await storage.setItem(name, at);
    for (const [at, name] of names.entries()) {
      expect(await storage.getItem(name)).toBe(at);
      expect(await open().getItem(name)).toBe(at);
      expect(await storage.getMeta(name)).toHaveProperty("ttl");
      await storage.removeItem(name);
      expect(await storage.hasItem(name)).toBe(false);
    }
  });

  it("names that differ after 5,000 characters have items of their own, also if one has the text of a hash", async () => {
    const { storage } = setup();
    const long = "a".repeat(5_000);
    const hash = await sha256Hex(long);
    const names = [`${long}1`, `${long}2`, long, hash, `+${hash}`, `~${hash}`, `${long}:a`];
    for (const [at, name] of names.entries()) await storage.setItem(name, at);
    for (const [at, name] of names.entries()) expect(await storage.getItem(name)).toBe(at);
  });

  it("clear of a base ends the items of long names under it, also if the base itself is long, and no others", async () => {
    const driver = strataDriver(createIsolates().start().strata);
    const [long, other] = ["a".repeat(300), "b".repeat(300)];
    const names = [`${long}:x`, `${long}:${other}:${"c".repeat(5_000)}:d`, `${other}:x`];
    for (const name of names) await driver.setItem?.(name, "1", {});
    await driver.clear?.(`${long}:`, {});
    const held = await Promise.all(names.map(async (name) => driver.hasItem(name, {})));
    expect(held).toEqual([false, false, true]);
    await driver.setItem?.(names[1] ?? "", "1", {});
    await driver.clear?.(`${long}:${other}:`, {});
    expect(await driver.hasItem(names[1] ?? "", {})).toBe(false);
  });

  it("setItem and removeItem fail while Redis cannot be reached, and this isolate serves the former value no longer", async () => {
    const { storage } = setup();
    await storage.setItem("a", 1);
    loseNetwork();
    await expect(storage.setItem("a", 2)).rejects.toThrow("redis.");
    expect(await storage.getItem("a")).toBeNull();
    await expect(storage.removeItem("a")).rejects.toThrow("redis.");
  });

  it.each(["0.5s", -1, Number.NaN])("the ttl %s is refused", async (ttl) => {
    const { storage } = setup();
    await expect(storage.setItem("a", 1, { ttl })).rejects.toThrow("ttl");
  });
});

describe("what the driver of unstorage cannot do", () => {
  it("getKeys says that a cache has no list of its keys, or returns none if the driver is told so", async () => {
    await expect(setup().storage.getKeys()).rejects.toThrow("cannot list keys");
    expect(await setup({ keys: "none" }).storage.getKeys()).toEqual([]);
  });

  it("clear of the driver removes the items under a base, and refuses a base of more than three parts", async () => {
    const driver = strataDriver(createIsolates().start().strata);
    const names = ["a", "b:x", "b:y:z", "bb:x"];
    for (const name of names) await driver.setItem?.(name, "1", {});
    await driver.clear?.("b:", {});
    const held = await Promise.all(names.map(async (name) => driver.hasItem(name, {})));
    expect(held).toEqual([true, false, false, true]);
    await expect(driver.clear?.("a:b:c:d:", {})).rejects.toThrow("at most 4 parts");
  });

  it("watch is told of the writes of its own storage only", async () => {
    const { storage, open } = setup();
    const seen = vi.fn<(event: string, name: string) => void>();
    await storage.watch(seen);
    await open().setItem("a", 1);
    await storage.setItem("b", 1);
    expect(seen.mock.calls).toEqual([["update", "b"]]);
  });
});
