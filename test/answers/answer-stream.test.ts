import { describe, expect, it } from "vitest";
import type { Batch, Feed } from "../../src/core/answers.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import { eventsOf } from "../../src/answers/read-answer.ts";

const END = { kind: "whole", storable: true, info: { finishReason: "stop" } } as const;

/** A stream of an answer, and its timers, which a test lets pass. */
function setup(batches: readonly Batch<string, ChatInfo>[]) {
  const timers = new Set<() => void>();
  const lengths: number[] = [];
  const rest = [...batches];
  let isCancelled = false;
  const feed: Feed<string, ChatInfo> = {
    next: async () => rest.shift() ?? { frames: [], end: END },
    cancel: () => void (isCancelled = true),
  };
  const reader = eventsOf(feed, {
    id: "answer-1",
    model: "m",
    cutOff: {},
    after(ms, call) {
      lengths.push(ms);
      timers.add(call);
      return () => void timers.delete(call);
    },
  }).getReader();
  return {
    reader,
    lengths,
    running: () => timers.size,
    pass() {
      for (const call of timers) call();
    },
    isCancelled: () => isCancelled,
  };
}

const piece = (text: string): Batch<string, ChatInfo> => ({ frames: [[0, text]] });

describe("the stream of an answer", () => {
  it.each([
    ["nothing at all", 0],
    ["one piece and then nothing", 1],
  ])("a client that reads %s for 30 s is cut off, and its feed is cancelled", async (_, reads) => {
    const { reader, lengths, pass, isCancelled } = setup([piece("a"), piece("b")]);
    for (let count = 0; count < reads; count++) await reader.read();
    expect(lengths.at(-1)).toBe(30_000);
    pass();
    expect(isCancelled()).toBe(true);
    await expect(reader.read()).rejects.toThrow("too slowly");
  });

  it("no timer runs while the model is slow, after the end, or after the client has left", async () => {
    const slow = setup([piece("a")]);
    const reading = slow.reader.read();
    expect(slow.running()).toBe(0);
    await reading;
    while (!(await slow.reader.read()).done);
    expect(slow.running()).toBe(0);
    const left = setup([piece("a")]);
    await left.reader.cancel();
    expect([left.running(), left.isCancelled()]).toEqual([0, true]);
  });
});
