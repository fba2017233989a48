import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSampler } from "../../src/telemetry/request-observer.ts";
import type { SamplerName } from "../../src/telemetry/settings.ts";
import {
  carrierOf,
  newSpanId,
  newTraceId,
  readCarrier,
} from "../../src/telemetry/traces/trace-context.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("W3C Trace Context", () => {
  it.each([
    ["", "empty"],
    ["00-00000000000000000000000000000000-b7ad6b7169203331-01", "a trace id of zeros"],
    ["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "a parent id of zeros"],
    ["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "the forbidden version"],
    [`${PARENT}-x`, "more fields than version 00 has"],
    [PARENT.toUpperCase(), "upper case"],
    [PARENT.slice(1), "too short"],
  ])('readCarrier() returns undefined for the invalid traceparent "%s": %s', (header) => {
    expect(readCarrier(header, "a=1")).toBeUndefined();
  });

  it("readCarrier() reads a traceparent of a later version by the fields of version 00", () => {
    expect(readCarrier(PARENT.replace("00-", "01-") + "-more", null)?.sampled).toBe(true);
  });

  it("traceparent and tracestate are unchanged after telemetry reads and writes the trace context", () => {
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
  ])(
    "telemetry continues a trace without the tracestate if the tracestate is malformed: %.40s",
    (state) => {
      const read = readCarrier(PARENT, state);
      expect(read?.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
      expect(read?.state).toBe("");
    },
  );

  it("readCarrier() throws no error for any value of traceparent and tracestate", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (parent, state) => {
        expect(() => readCarrier(parent, state)).not.toThrow();
      }),
    );
  });
});

describe("trace ids and span ids", () => {
  it("a new trace id has 16 bytes and a new span id has 8 bytes, and neither is ever all zero", () => {
    expect(newTraceId(() => 0, 0)).toMatch(/^(?=.*[1-9a-f])[0-9a-f]{32}$/);
    expect(newSpanId(() => 0)).toMatch(/^(?=.*[1-9a-f])[0-9a-f]{16}$/);
    expect(newTraceId(Math.random, 0xffff_ffff)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("trace samplers", () => {
  const off = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    sampled: false,
    state: "",
  };
  const on = { ...off, sampled: true };
  const sampler = (name: SamplerName, ratio = 1) => createSampler(name, ratio, Math.random);

  it("a ratio trace sampler with the ratio 0.1 samples about 10 percent of new traces", () => {
    const { shouldSample } = sampler("parentbased_traceidratio", 0.1);
    let kept = 0;
    for (let i = 0; i < 20_000; i++) if (shouldSample(undefined)) kept++;
    expect(kept).toBeGreaterThan(1_700);
    expect(kept).toBeLessThan(2_300);
  });

  it("a ratio sampler samples every new trace at ratio 1, and no new trace at ratio 0", () => {
    const numbers = [0, 0.5, 1 - 2 ** -53];
    for (const number of numbers) {
      const of = (name: SamplerName, ratio: number) =>
        createSampler(name, ratio, () => number).shouldSample(undefined);
      expect(of("traceidratio", 1)).toBe(true);
      expect(of("always_on", 1)).toBe(true);
      expect(of("traceidratio", 0)).toBe(false);
      expect(of("always_off", 1)).toBe(false);
    }
  });

  it("the ratio sampler of the OpenTelemetry SDK makes the same decision for each trace id that a trace sampler creates", () => {
    const ratios = fc.double({ min: 0.000_001, max: 0.999_999, noNaN: true });
    const number = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(ratios, fc.array(number, { minLength: 4, maxLength: 4 }), (ratio, numbers) => {
        let drawn = 0;
        const { newTraceId: traceIdFor } = createSampler(
          "traceidratio",
          ratio,
          () => numbers[drawn++ % 4] ?? 0,
        );
        const sdk = new TraceIdRatioBasedSampler(ratio);
        for (const sampled of [true, false]) {
          const { decision } = sdk.shouldSample(ROOT_CONTEXT, traceIdFor(sampled));
          expect(decision !== SamplingDecision.NOT_RECORD).toBe(sampled);
        }
      }),
      { numRuns: 5_000, examples: [[0.9468750003601599, [1 - 2 ** -53, 0, 0, 0]]] },
    );
  });

  it("a ratio trace sampler makes the same decision for a caller's trace as the ratio sampler of the OpenTelemetry SDK", () => {
    const sdk = new TraceIdRatioBasedSampler(0.3);
    const { shouldSample } = sampler("traceidratio", 0.3);
    for (let i = 0; i < 1_000; i++) {
      const traceId = newTraceId(Math.random, Math.random() * 2 ** 32);
      const { decision } = sdk.shouldSample(ROOT_CONTEXT, traceId);
      expect(shouldSample({ ...off, traceId })).toBe(decision !== SamplingDecision.NOT_RECORD);
    }
  });

  it("only a parent-based trace sampler follows the sampling decision of the parent", () => {
    expect(sampler("parentbased_always_on").shouldSample(off)).toBe(false);
    expect(sampler("always_on").shouldSample(off)).toBe(true);
    expect(sampler("always_off").shouldSample(on)).toBe(false);
    expect(sampler("parentbased_always_off").shouldSample(on)).toBe(true);
  });
});
