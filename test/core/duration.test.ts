import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toMillis, type Duration } from "../../src/core/duration.ts";
import { DefinitionError } from "../../src/core/faults.ts";

describe("toMillis", () => {
  it.each<[Duration, number]>([
    [0, 0],
    [250, 250],
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1.5h", 5_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ])("toMillis() converts the duration %j to %d milliseconds", (text, ms) => {
    expect(toMillis(text, "freshFor")).toBe(ms);
  });

  it.each([
    "",
    "5",
    "5 m",
    " 5m",
    "5m ",
    "5M",
    "-5m",
    "+5m",
    "1e3s",
    ".5s",
    "5.s",
    "5min",
    "m",
    "Infinitys",
    "٥m",
    "5m\n",
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    {},
  ])("toMillis() rejects the duration %j with an error that names the field", (text) => {
    expect(() => toMillis(text as Duration, "freshFor")).toThrow(DefinitionError);
    expect(() => toMillis(text as Duration, "freshFor")).toThrow(/^freshFor: /);
  });

  it("toMillis() converts any text to a finite duration that is not negative, or rejects the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from("0123456789.-e msmhd")) }),
        (text) => {
          try {
            const ms = toMillis(text as Duration, "f");
            expect(Number.isFinite(ms) && ms >= 0).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(DefinitionError);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
