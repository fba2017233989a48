import { describe, expect, it } from "vitest";
// @ts-expect-error -- a script for browsers, without declarations
import { compareRows, settingsText, sourceText } from "../../src/dashboard/assets/compare.js";
import { CompareQuery } from "../../src/api/compare-inputs.ts";

const prediction = {
  settings: "current",
  eviction: "sieve",
  maxBytes: 33_554_432,
  maxEntries: 20_000,
  memoryHitRatio: 0.5,
  hitRatio: 0.875,
  staleRatio: 0,
  loadsPerMinute: 30,
  loadMsPerMinute: 1_500,
  memoryBytes: 2 ** 21,
  kindBytes: 2 ** 20,
};

const answer = {
  kind: "product",
  isolates: 2,
  kinds: ["product", "user"],
  rate: 0.125,
  from: "2026-01-01T12:00:00.000Z",
  to: "2026-01-01T12:10:30.000Z",
  sampledReads: 1_250,
  reads: 10_000,
  a: prediction,
  b: prediction,
};

describe("the comparison on the dashboard", () => {
  it("the fields of a form become settings that the API accepts, and empty fields are left out", () => {
    const fields = { eviction: "lru", maxMib: "16.5", maxEntries: "", freshFor: " 5m " };
    const text = settingsText(fields);
    expect(text).toBe("eviction=lru,maxBytes=17301504,freshFor=5m");
    expect(settingsText({})).toBe("current");
    expect(CompareQuery.safeParse({ kind: "product", a: text, b: "current" }).success).toBe(true);
  });

  it("the table has each figure of both settings, and the bars of ratios are as long as the ratio", () => {
    const rows = compareRows(prediction, { ...prediction, hitRatio: 0.75, loadsPerMinute: 60 });
    const row = (name: string) => rows.find((one: { name: string }) => one.name === name);
    expect(row("answered by any tier")).toMatchObject({
      values: ["87.5 %", "75.0 %"],
      bars: [0.875, 0.75],
    });
    expect(row("loads")).toMatchObject({ bars: [0.5, 1] });
    expect(row("answered stale").bars).toEqual([0, 0]);
    expect(row("memory of an isolate").values).toEqual(["2.00 MiB", "2.00 MiB"]);
  });

  it("the page says from how many reads, isolates and keys the figures were computed, or that no reads were recorded", () => {
    expect(sourceText(answer)).toBe(
      "Simulated with 1,250 of 10,000 reads of product in 2 isolates, 12:00:00 to 12:10:30 UTC, 12.50 % of the keys.",
    );
    expect(sourceText({ ...answer, isolates: 1, rate: 1 })).toMatch(/1 isolate, .* all keys\.$/);
    const none = { ...answer, from: null, to: null, a: null, b: null };
    expect(sourceText(none)).toBe(
      "No reads of product were recorded. Recorded kinds: product, user.",
    );
    expect(sourceText({ ...none, kinds: [] })).toBe("No reads were recorded yet.");
  });
});
