import { describe, expect, it } from "vitest";
import { outcomeOf } from "../../src/core/origin-slots.ts";

describe("the outcome of a call for the limit of origin calls", () => {
  it.each(["origin.open", "origin.saturated", "origin.abandoned", "origin.rejected"] as const)(
    "a call that ended with the error code `%s` does not lower the limit of origin calls",
    (code) => {
      expect(outcomeOf(code, 0, 5_000)).toBe("unknown");
    },
  );

  it.each(["origin.timeout", "origin.unavailable"] as const)(
    "a call that ended with the error code `%s` lowers the limit of origin calls",
    (code) => {
      expect(outcomeOf(code, 0, 5_000)).toBe("bad");
    },
  );
});
