import { describe, expect, it } from "vitest";
import { createPlaces } from "../../src/answers/places.ts";

describe("places", () => {
  it("one name has one place however often it is taken, and further names get none while all places are taken", () => {
    const places = createPlaces(2, 1_000, () => 0);
    const first = places.take("a");
    const second = places.take("a");
    expect(places.take("b")).toBeDefined();
    expect([places.take("c"), places.taken]).toEqual([undefined, 2]);
    first?.();
    first?.();
    expect(places.take("c")).toBeUndefined();
    second?.();
    expect(places.take("c")).toBeDefined();
  });

  it("a place that is never given back is free after its time, and a late return does not free the place of the next holder", () => {
    let now = 0;
    const places = createPlaces(1, 1_000, () => now);
    const lost = places.take("a");
    now = 999;
    expect(places.take("b")).toBeUndefined();
    now = 1_000;
    expect(places.take("a2")).toBeDefined();
    lost?.();
    expect([places.take("b"), places.taken]).toEqual([undefined, 1]);
  });
});
