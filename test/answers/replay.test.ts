import { describe, expect, it } from "vitest";
import type { Feed } from "../../src/core/answers.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import { atRecordedPace, eventsOf } from "../../src/answers/read-answer.ts";
import { noTimer, readAll } from "./support.ts";

function stored(): Feed<string, ChatInfo> {
  return {
    next: async () => ({
      frames: [
        [100, "a"],
        [100, "b"],
        [350, "c"],
      ],
      end: { kind: "whole", storable: true, info: { finishReason: "stop" } },
    }),
    cancel: () => undefined,
  };
}

describe("the replay of a stored answer", () => {
  it("a replay at the recorded pace waits until the recorded time of each piece, and has the same bytes as one at full speed", async () => {
    let now = 5_000;
    const slept: number[] = [];
    const paced = atRecordedPace(
      stored(),
      () => now,
      async (ms) => {
        slept.push(ms);
        now += ms;
      },
    );
    const options = { id: "answer-1", model: "m", cutOff: {}, after: noTimer };
    const slow = await new Response(eventsOf(paced, options)).text();
    expect(slept).toEqual([100, 250]);
    expect(slow).toBe(await new Response(eventsOf(stored(), options)).text());
  });

  it("a replay at the recorded pace gives an answer without pieces its end", async () => {
    const end = { kind: "whole", storable: true, info: { finishReason: "stop" } } as const;
    const empty: Feed<string, ChatInfo> = {
      next: async () => ({ frames: [], end }),
      cancel: () => undefined,
    };
    const paced = atRecordedPace(
      empty,
      () => 0,
      async () => undefined,
    );
    expect(await readAll(paced)).toEqual({ pieces: [], end });
  });
});
