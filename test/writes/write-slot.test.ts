import { describe, expect, it } from "vitest";
import { CacheUnavailable } from "../../src/core/faults.ts";
import type { CallOutcome, SlotRequest } from "../../src/core/origin-slots.ts";
import { createTakeWriteSlot } from "../../src/writes/write-slot.ts";
import { createTestContext } from "../support/context.ts";

function setup({ isInLoad = false, isFull = false } = {}) {
  const requests: SlotRequest[] = [];
  const outcomes: (CallOutcome | undefined)[] = [];
  let time = 0;
  const takeSlot = createTakeWriteSlot({
    slots: {
      async acquire(request) {
        requests.push(request);
        if (isFull)
          return {
            ok: false,
            fault: { code: "origin.saturated", message: "", retryAfterMs: 2_000 },
          };
        return { ok: true, value: (outcome) => void outcomes.push(outcome) };
      },
    },
    isInLoad: () => isInLoad,
    timeoutMs: 5_000,
  });
  const ctx = createTestContext({ now: () => time });
  return { requests, outcomes, ctx, takeSlot, pass: (ms: number) => void (time += ms) };
}

describe("the origin slot of a write", () => {
  it.each([
    ["ok", 1_000, "good"],
    ["ok", 1_001, "bad"],
    ["origin.timeout", 5_000, "bad"],
    ["origin.unavailable", 1, "bad"],
    ["origin.rejected", 1, "unknown"],
  ] as const)(
    "a write that ended with %s after %i ms counts as %s for the adaptive limit",
    async (ended, ms, outcome) => {
      const { requests, outcomes, ctx, takeSlot, pass } = setup();
      const release = await takeSlot(ctx);
      pass(ms);
      release(ended);
      expect(outcomes).toEqual([outcome]);
      expect(requests).toEqual([{ priority: "write", waitMs: 5_000, holdMs: 10_000 }]);
    },
  );

  it("a write that gets no origin slot fails with the fault and the Retry-After of the refusal", async () => {
    const { ctx, takeSlot } = setup({ isFull: true });
    const error: unknown = await takeSlot(ctx).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CacheUnavailable);
    expect(error).toMatchObject({ fault: { code: "origin.saturated", retryAfterMs: 2_000 } });
    expect(ctx.events).toContainEqual(expect.objectContaining({ type: "fault.raise" }));
  });

  it("a write that a load makes runs in the slot of the load, so that it cannot wait for itself", async () => {
    const { requests, ctx, takeSlot } = setup({ isInLoad: true });
    (await takeSlot(ctx))("ok");
    expect(requests).toEqual([]);
  });
});
