import { describe, expect, it } from "vitest";
import { createBoundedMap } from "../../src/core/bounded-map.ts";

describe("a bounded map", () => {
  it("a bounded map deletes all its entries when a new key would exceed the limit of the map", () => {
    const map = createBoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("c", 3);
    expect(map.get("a")).toBeUndefined();
    expect(map.get("b")).toBeUndefined();
    expect(map.get("c")).toBe(3);
  });

  it("a full bounded map keeps all its entries when an existing key gets a new value", () => {
    const map = createBoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    expect(map.get("a")).toBe(3);
    expect(map.get("b")).toBe(2);
  });

  it("deleting a key from a full bounded map makes space for a new key", () => {
    const map = createBoundedMap<string, number>(1);
    map.set("a", 1);
    map.delete("a");
    map.set("b", 2);
    expect(map.get("a")).toBeUndefined();
    expect(map.get("b")).toBe(2);
  });
});
