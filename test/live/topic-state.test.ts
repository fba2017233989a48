import { describe, expect, it } from "vitest";
import type { LiveEvent } from "../../src/core/live-event.ts";
import { judgeEvent, startOf, type TopicState } from "../../src/live/topic-state.ts";

const EPOCH = "0123456789ab";
const AT = 1_800_000_000_000;
const state: TopicState = { epoch: EPOCH, floor: 20, last: 50, at: AT };

const event = (id: number, previous = 0, at = AT): LiveEvent => ({
  id,
  previous,
  at,
  channel: null,
  message: "{}",
});

describe("the decision on an event that arrives", () => {
  it.each([
    ["an event after the newest one, with no other event that waits", event(51), "append"],
    ["an event after the newest one, which was the last to wait", event(60, 50), "append"],
    ["an event whose predecessor has not arrived", event(60, 55), "gap"],
    ["the newest event once more", event(50), "known"],
    ["an older event that comes late", event(40, 0, AT - 5_000), "known"],
    ["an older event of a transaction that began a little later", event(49, 0, AT + 900), "known"],
    ["a known number an hour later", event(3, 0, AT + 3_600_000), "restored"],
    [
      "a known number an hour later, whose predecessor has not arrived",
      event(4, 3, AT + 3_600_000),
      "gap",
    ],
  ] as const)("%s is judged %3$s", (_, arrived, verdict) => {
    expect(judgeEvent(state, arrived)).toBe(verdict);
  });

  it("the first event of a topic is appended, whatever its number", () => {
    const empty = { epoch: EPOCH, floor: 0, last: 0, at: 0 };
    expect(judgeEvent(empty, event(7_000))).toBe("append");
  });
});

describe("the start of a listener", () => {
  it("a listener without an id gets a snapshot", () => {
    expect(startOf(state, undefined)).toEqual({ kind: "snapshot", after: 50 });
  });

  it.each([20, 35, 50])(
    "a listener that has the event %d, after which the log is complete, resumes after it",
    (number) => {
      expect(startOf(state, `${EPOCH}-${number}`)).toEqual({ kind: "resumed", after: number });
    },
  );

  it.each([
    ["an event before the floor of the log", `${EPOCH}-19`],
    ["an event that the topic has not sent yet", `${EPOCH}-51`],
    ["an event of another epoch", "ba9876543210-35"],
    ["a text that is no id", "x'); DROP TABLE events"],
    ["an empty id", ""],
  ])("a listener that names %s is told that the events are lost", (_, id) => {
    expect(startOf(state, id)).toEqual({ kind: "reset", after: 50 });
  });
});
