import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  freshnessOf,
  createEntry,
  softened,
  underPolicy,
  verifiedCopy,
  type LoadResult,
  type LoadStamp,
} from "../../src/core/entry.ts";
import { renewedCopy } from "../../src/core/renewed-copy.ts";
import { sizeOf } from "../../src/core/entry-size.ts";
import { definePolicy } from "../../src/core/policy.ts";
import { entryOf } from "../support/entries.ts";

type Storable = Extract<LoadResult, { storable: true }>;

const policy = definePolicy({
  freshFor: "100s",
  staleWhileRevalidate: "10s",
  staleIfError: "30s",
  negativeFor: "20s",
  jitter: 0.5,
  tags: ["products"],
});
const stamp: LoadStamp = { asOf: 7, era: "e", startedAt: 1_000, storedAt: 1_250 };
const loaded = (fields: Partial<Storable> = {}): Storable => ({
  storable: true,
  kind: "value",
  body: "x",
  etag: '"e"',
  invalidationKeys: [],
  ...fields,
});
const make = (fields?: Partial<Storable>, random = 0) =>
  createEntry("product:1", policy, loaded(fields), stamp, random);

describe("createEntry", () => {
  it("the expiry times of an entry count from the time at which the entry was stored", () => {
    expect(make()).toMatchObject({
      storedAt: 1_250,
      freshUntil: 101_250,
      staleUntil: 111_250,
      errorUntil: 131_250,
      deleteAt: 131_250,
      loadCost: 250,
    });
  });

  it("a negative entry is fresh for the time in the policy option `negativeFor`", () => {
    expect(make({ kind: "absent", body: "" }).freshUntil).toBe(1_250 + 20_000);
  });

  it("the policy option `jitter` shortens the fresh lifetime of an entry by at most the given fraction and never extends it", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const { freshUntil } = make({}, random);
        expect(Number.isInteger(freshUntil)).toBe(true);
        expect(freshUntil).toBeLessThanOrEqual(101_250);
        expect(freshUntil).toBeGreaterThanOrEqual(51_250);
      }),
    );
    expect(make({}, 0.999).freshUntil).toBeLessThan(make({}, 0.001).freshUntil);
  });

  it("an entry lists each invalidation key of its key, its policy and its load result exactly once", () => {
    expect(
      make({ invalidationKeys: ["t:category:3", "t:products", "k:product:1"] }).invalidationKeys,
    ).toEqual(["n:", "k:product:1", "p:product:", "t:products", "t:category:3"]);
  });

  it("an entry stores the position in the invalidation log that was known before its load began", () => {
    expect(make()).toMatchObject({ asOf: 7, era: "e" });
  });

  it("an entry that was made of other entries is fresh no longer than those entries", () => {
    expect(make({ freshUntil: 5_000 })).toMatchObject({ freshUntil: 5_000, staleUntil: 15_000 });
    expect(make({ freshUntil: 999_999_999 }).freshUntil).toBe(101_250);
    const lifetimes = { freshUntil: 9_000, staleUntil: 9_500, errorUntil: 9_600, deleteAt: 9_900 };
    expect(make({ lifetimes })).toMatchObject(lifetimes);
    expect(make({ lifetimes, freshUntil: 5_000 })).toMatchObject({
      ...lifetimes,
      freshUntil: 5_000,
    });
  });

  it("an entry that was made of other entries has the lowest `asOf` (log position) among them and its own load", () => {
    expect(make({ inner: { asOf: 3, era: "e" } })).toMatchObject({ asOf: 3, era: "e" });
    expect(make({ inner: { asOf: 9, era: "e" } })).toMatchObject({ asOf: 7, era: "e" });
  });

  it("an entry that was made of entries from two eras of the invalidation log has no era", () => {
    expect(make({ inner: { asOf: 9, era: "f" } })).toMatchObject({ asOf: 0, era: "" });
    expect(make({ inner: { asOf: 9, era: "" } })).toMatchObject({ asOf: 0, era: "" });
  });
});

describe("freshnessOf", () => {
  const entry = entryOf({
    freshUntil: 10,
    staleUntil: 20,
    errorUntil: 30,
    deleteAt: 40,
  });
  it.each([
    [9, "fresh"],
    [10, "revalidate"],
    [19, "revalidate"],
    [20, "error-only"],
    [29, "error-only"],
    [30, "kept"],
    [39, "kept"],
    [40, "expired"],
  ])(
    "freshnessOf() at the time %d returns '%s' for an entry whose windows end before the times 10, 20, 30 and 40",
    (now, age) => {
      expect(freshnessOf(entry, now)).toBe(age);
    },
  );

  it("an entry without stale windows expires at the end of its fresh lifetime", () => {
    expect(freshnessOf(entryOf({ freshUntil: 10 }), 10)).toBe("expired");
  });
});

describe("verifiedCopy and softened", () => {
  const entry = entryOf({ asOf: 100, freshUntil: 500, staleUntil: 900 });

  it("an entry that was verified in the invalidation log gets as its `asOf` the number up to which it was verified", () => {
    expect(verifiedCopy(entry, 150, false, 200)).toEqual({ ...entry, asOf: 150 });
  });

  it("the verification of an entry in the invalidation log never lowers the `asOf` (log position) of the entry", () => {
    expect(verifiedCopy(entry, 50, false, 200)).toEqual(entry);
    expect(verifiedCopy(entry, 50, true, 200).asOf).toBe(100);
  });

  it("the verification of a fresh entry makes it stale from the current time on if the invalidation log has a soft invalidation of the entry", () => {
    expect(verifiedCopy(entry, 150, true, 200)).toMatchObject({ asOf: 150, freshUntil: 200 });
    expect(verifiedCopy(entry, 150, true, 700).freshUntil).toBe(500);
  });

  it("a soft invalidation starts the stale windows of an entry at the current time and keeps their length", () => {
    const lenient = entryOf({ freshUntil: 500, staleUntil: 600, errorUntil: 900, deleteAt: 1_000 });
    expect(softened(lenient, 200)).toMatchObject({
      freshUntil: 200,
      staleUntil: 300,
      errorUntil: 600,
      deleteAt: 1_000,
    });
    expect(softened(lenient, 550)).toEqual(lenient);
  });
});

describe("sizeOf", () => {
  it("sizeOf() adds up the sizes of the body, the invalidation keys and the header fields of an entry", () => {
    const base = sizeOf(entryOf({ body: "" }));
    expect(sizeOf(entryOf({ body: "x".repeat(1_000) }))).toBe(base + 1_000);
    expect(sizeOf(entryOf({ body: "\u4f60".repeat(1_000) }))).toBe(base + 2_000);
    expect(sizeOf(entryOf({ body: new Uint8Array(1_000) }))).toBe(base + 1_136);
    expect(sizeOf(entryOf({ body: "", invalidationKeys: [] }))).toBeLessThan(base);
    const http = { status: 200, headers: [["name", "value"]] as const };
    expect(sizeOf(entryOf({ body: "", http }))).toBeGreaterThan(base);
  });
});

describe("underPolicy", () => {
  const day = { staleWhileRevalidate: "10s", staleIfError: "30s", negativeFor: "20s" } as const;
  const under = (options: Partial<Parameters<typeof definePolicy>[0]>, entry = make()) =>
    underPolicy(entry, definePolicy({ freshFor: "100s", ...day, ...options }));

  it("an entry of the same policy, or of a shorter one than the read's, is returned as it is", () => {
    const entry = make();
    expect(under({}, entry)).toBe(entry);
    expect(under({ freshFor: "1d", staleWhileRevalidate: "1d" }, entry)).toBe(entry);
  });

  it("a shorter policy ends the fresh lifetime of a stored entry earlier, counted from its storage", () => {
    expect(under({ freshFor: "10s" })).toMatchObject({
      storedAt: 1_250,
      freshUntil: 11_250,
      staleUntil: 21_250,
      errorUntil: 41_250,
      deleteAt: make().deleteAt,
    });
  });

  it("a policy with shorter stale windows ends only these earlier", () => {
    const entry = make();
    expect(under({ staleWhileRevalidate: 0, staleIfError: "5s" }, entry)).toMatchObject({
      freshUntil: entry.freshUntil,
      staleUntil: entry.freshUntil,
      errorUntil: entry.freshUntil + 5_000,
    });
  });

  it("a negative entry ends by the option negativeFor of the read", () => {
    const absent = make({ kind: "absent" });
    expect(under({ freshFor: "1s" }, absent)).toBe(absent);
    expect(under({ negativeFor: "5s" }, absent).freshUntil).toBe(1_250 + 5_000);
  });

  it("lifetimes that a loader or a response stated are not shortened", () => {
    const lifetimes = { freshUntil: 9e9, staleUntil: 9e9, errorUntil: 9e9, deleteAt: 9e9 };
    for (const entry of [make({ freshForMs: 500_000 }), make({ lifetimes })])
      expect(under({ freshFor: "1s" }, entry)).toBe(entry);
  });

  it("no phase of an entry ends later under a policy, whatever the policy is", () => {
    const ms = fc.integer({ min: 1, max: 200_000 });
    fc.assert(
      fc.property(ms, ms, ms, ms, (freshFor, swr, sie, negativeFor) => {
        const entry = make();
        const options = { staleWhileRevalidate: swr, staleIfError: sie, negativeFor };
        const seen = under({ freshFor, ...options }, entry);
        expect(seen.freshUntil).toBeLessThanOrEqual(entry.freshUntil);
        expect(seen.staleUntil).toBeLessThanOrEqual(entry.staleUntil);
        expect(seen.errorUntil).toBeLessThanOrEqual(entry.errorUntil);
        expect(seen.freshUntil).toBeLessThanOrEqual(seen.staleUntil);
        expect(seen.staleUntil).toBeLessThanOrEqual(seen.errorUntil);
      }),
    );
  });
});

describe("renewedCopy", () => {
  it("the copy lives anew from now on, and keeps its log position and the instant at which it was current", () => {
    const entry = make();
    const copy = renewedCopy(entry, policy, undefined, 500_000);
    expect(copy).toMatchObject({
      storedAt: 500_000,
      currentAt: 1_000,
      freshUntil: 600_000,
      asOf: entry.asOf,
      era: entry.era,
      invalidationKeys: entry.invalidationKeys,
      ofPolicy: true,
    });
    const own = renewedCopy(entry, policy, 5_000, 500_000);
    expect([own.freshUntil, own.staleUntil, own.ofPolicy]).toEqual([505_000, 515_000, undefined]);
  });
});
