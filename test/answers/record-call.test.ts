import { describe, expect, it } from "vitest";
import { recordCall, type CallModel } from "../../src/answers/record-call.ts";
import { createRecording } from "../../src/answers/recording.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import type { CallLimits } from "../../src/core/answers.ts";
import { callWith, LIMITS, noTimer, streamText } from "./support.ts";

const encoder = new TextEncoder();

async function record(
  call: CallModel<string, ChatInfo>,
  { limits = LIMITS, after = noTimer }: { limits?: CallLimits; after?: typeof noTimer } = {},
) {
  const recording = createRecording<string, ChatInfo>({
    id: "1",
    position: { asOf: 1, era: "e" },
    now: () => 0,
    maxChars: limits.maxChars,
  });
  await recordCall(recording, call, limits, after);
  return recording.since(0);
}

/** Timers that a test lets pass by their length. */
function timers() {
  const running = new Map<number, () => void>();
  return {
    after(ms: number, call: () => void) {
      running.set(ms, call);
      return () => void running.delete(ms);
    },
    pass: (ms: number) => running.get(ms)?.(),
    lengths: () => [...running.keys()],
  };
}

describe("the recording of a call of the model", () => {
  it("a model that sends nothing is given up after the limit for the first piece", async () => {
    const { after, pass } = timers();
    const silent: CallModel<string, ChatInfo> = () => new Promise(() => undefined);
    const recorded = record(silent, { after });
    pass(LIMITS.firstMs);
    expect(await recorded).toMatchObject({
      frames: [],
      end: { kind: "failed", fault: { code: "origin.timeout" } },
    });
  });

  it("a model that stops in the middle is given up after the limit for the whole answer, and its signal aborts", async () => {
    const { after, pass, lengths } = timers();
    let aborted = false;
    const hanging: CallModel<string, ChatInfo> = (add, signal) => {
      signal.addEventListener("abort", () => (aborted = true));
      add("a", 1);
      return new Promise(() => undefined);
    };
    const recorded = record(hanging, { after });
    expect(lengths()).toEqual([LIMITS.totalMs]);
    pass(LIMITS.totalMs);
    const { frames, end } = await recorded;
    expect([frames.length, end?.kind, aborted]).toEqual([1, "failed", true]);
    expect(lengths()).toEqual([]);
  });

  it("an answer longer than its limit is cut off, and so is an event that never ends", async () => {
    const long = callWith([encoder.encode(streamText(["x".repeat(60), "x".repeat(60)]))]);
    const cut = await record(long, { limits: { ...LIMITS, maxChars: 100 } });
    expect(cut.frames).toHaveLength(1);
    expect(cut.end).toMatchObject({ kind: "failed", fault: { code: "origin.rejected" } });
    const endless = callWith([encoder.encode(`data: ${"x".repeat(70_000)}`)]);
    expect((await record(endless)).end).toMatchObject({
      kind: "failed",
      fault: { message: expect.stringContaining("too long") },
    });
  });

  it.each([
    [401, "origin.rejected", undefined],
    [400, "origin.rejected", undefined],
    [500, "origin.unavailable", undefined],
    [302, "origin.rejected", undefined],
    [429, "origin.unavailable", 7_000],
  ])(
    "the status %i of the model is the fault %s, whose text has neither the key nor the body",
    async (status, code, retryAfterMs) => {
      const call = callWith([encoder.encode("secret-key is wrong")], "close", {
        status,
        headers: { "Retry-After": "7" },
      });
      const { end } = await record(call);
      expect(end).toMatchObject({ kind: "failed", fault: { code } });
      expect(JSON.stringify(end)).not.toContain("secret");
      if (end?.kind === "failed" && retryAfterMs !== undefined)
        expect(end.fault.retryAfterMs).toBe(retryAfterMs);
    },
  );

  it.each([
    ["an event that is no JSON", "data: hello\n\n"],
    ["an error in its stream", 'data: {"error":{"message":"overloaded secret-key"}}\n\n'],
    ["a whole page instead of a stream", "<html></html>"],
  ])("a model that sends %s gives a cut answer", async (_, text) => {
    const { end } = await record(callWith([encoder.encode(text)]));
    expect(end).toMatchObject({ kind: "failed", fault: { code: "origin.unavailable" } });
    expect(JSON.stringify(end)).not.toContain("secret");
  });
});
