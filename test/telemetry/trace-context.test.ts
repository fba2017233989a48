import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSampler } from "../../src/telemetry/sampling.ts";
import { carrierOf, newTraceId, readCarrier } from "../../src/telemetry/trace-context.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("traceparent", () => {
  it.each([
    ["", "empty"],
    ["00-00000000000000000000000000000000-b7ad6b7169203331-01", "no trace"],
    ["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "no parent"],
    ["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "the forbidden version"],
    [`${PARENT}-x`, "more than version 00 has"],
    [PARENT.toUpperCase(), "upper case"],
    [PARENT.slice(1), "too short"],
  ])("%s begins a new trace: %s", (header) => {
    expect(readCarrier(header, "a=1")).toBeUndefined();
  });

  it("of a later version is read as far as it is known", () => {
    expect(readCarrier(PARENT.replace("00-", "01-") + "-more", null)?.sampled).toBe(true);
  });

  it("survives being handed on, with its state", () => {
    const read = readCarrier(PARENT, " vendor=x ,other=y ");
    expect(read && carrierOf(read)).toEqual({
      traceparent: PARENT,
      tracestate: "vendor=x ,other=y",
    });
  });

  it.each([
    "A=1",
    "a=1,a=2",
    "a",
    `a=${"x".repeat(300)}`,
    Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(),
  ])("goes on without a malformed state", (state) => {
    const read = readCarrier(PARENT, state);
    expect(read?.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(read?.state).toBe("");
  });

  it("is never thrown over by what a client sends", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (parent, state) => {
        expect(() => readCarrier(parent, state)).not.toThrow();
      }),
    );
  });
});

describe("samplers", () => {
  const off = { traceId: "", spanId: "", sampled: false, state: "" };

  it("keep about the share that was asked for, and the same traces everywhere", () => {
    const sample = createSampler("traceidratio", 0.1);
    const again = createSampler("parentbased_traceidratio", 0.1);
    let kept = 0;
    for (let i = 0; i < 20_000; i++) {
      const id = newTraceId(Math.random);
      if (sample(id, undefined)) kept++;
      expect(again(id, undefined)).toBe(sample(id, undefined));
    }
    expect(kept).toBeGreaterThan(1_700);
    expect(kept).toBeLessThan(2_300);
  });

  it("follow their parent only if they are parent-based", () => {
    expect(createSampler("parentbased_always_on", 1)("a", off)).toBe(false);
    expect(createSampler("always_on", 1)("a", off)).toBe(true);
    expect(createSampler("parentbased_always_off", 1)("a", { ...off, sampled: true })).toBe(true);
  });
});
