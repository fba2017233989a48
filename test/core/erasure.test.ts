import { describe, expect, it } from "vitest";
import { droppedBy, isErased } from "../../src/core/erasure.ts";
import { applyAnswer, type LogAnswer } from "../../src/core/log.ts";
import { createLogView } from "../../src/core/log-view.ts";
import { createMemoryTier } from "../../src/tiers/memory.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

const ERA = "era-1";

function answerOf(sentAt: number, fields: Partial<LogAnswer>): LogAnswer {
  return {
    sentAt,
    era: ERA,
    seq: 100,
    floor: 0,
    since: 0,
    truncated: false,
    changes: [],
    ...fields,
  };
}

const red = (asOf: number, era = ERA) =>
  entryOf({
    key: `item:${asOf}`,
    invalidationKeys: invalidationKeysOf("item:1", "red"),
    asOf,
    era,
  });

/** Applies answers to a view. Returns which of the entries the last answer drops. */
function droppedAfter(...answers: readonly LogAnswer[]) {
  const view = createLogView();
  const entries = [
    red(50),
    red(150),
    red(250),
    red(10, "other"),
    entryOf({ key: "b:1", asOf: 50 }),
  ];
  let test: ReturnType<typeof droppedBy>;
  for (const answer of answers) {
    const before = { seen: view.seen, era: view.era };
    applyAnswer(view, answer);
    test = droppedBy(view, before, answer);
  }
  return test === undefined
    ? undefined
    : entries.filter(test).map(({ key, era }) => (era === ERA ? key : `${key} of ${era}`));
}

const FIRST = answerOf(1, {});

describe("the entries that memory drops after an answer of the log", () => {
  it("an erasure drops the entries with its invalidation key that were loaded before it, and those of another era", () => {
    const changes = [["-t:red", 200] as const, ["t:red", 200] as const];
    expect(droppedAfter(FIRST, answerOf(2, { seq: 200, since: 100, changes }))).toEqual([
      "item:50",
      "item:150",
      "item:10 of other",
    ]);
  });

  it("a hard invalidation without an erasure drops nothing", () => {
    const changes = [["t:red", 200] as const];
    expect(droppedAfter(FIRST, answerOf(2, { seq: 200, since: 100, changes }))).toBeUndefined();
  });

  it("an erasure that an earlier answer had drops nothing again", () => {
    const changes = [["-t:red", 200] as const];
    const heard = answerOf(2, { seq: 200, since: 100, changes });
    expect(droppedAfter(FIRST, heard, { ...heard, sentAt: 3, since: 200 })).toBeUndefined();
  });

  it("an answer that left changes out drops every entry that an unknown erasure may concern", () => {
    const changes = [["t:blue", 190] as const];
    const cut = answerOf(2, { seq: 200, since: 100, truncated: true, changes });
    expect(droppedAfter(FIRST, cut)).toEqual(["item:50", "item:150", "item:10 of other", "b:1"]);
    const trimmed = answerOf(2, { seq: 200, since: 100, floor: 180 });
    expect(droppedAfter(FIRST, trimmed)).toContain("b:1");
  });

  it("a new era drops every entry of a former one", () => {
    expect(droppedAfter(FIRST, answerOf(2, { era: "other" }))).toEqual([
      "item:50",
      "item:150",
      "item:250",
      "b:1",
    ]);
  });
});

describe("an erasure without a number", () => {
  it("removes every entry with one of its names, whenever and in whichever era it was loaded", () => {
    const names = new Set(["t:red"]);
    const without = { seq: 0, era: "" };
    expect(isErased(red(50), names, without)).toBe(true);
    expect(isErased({ ...red(250), era: "" }, names, without)).toBe(true);
    expect(isErased(red(50), new Set(["t:blue"]), without)).toBe(false);
  });
});

describe("removals by a test", () => {
  it("removeWhere() removes the entries for which the test is true, and returns their keys", () => {
    const memory = createMemoryTier({ maxBytes: 100_000, maxEntries: 10 });
    for (const entry of [red(50), red(150)]) memory.put(entry, 1_000_000);
    const names = new Set(["t:red"]);
    const removed = memory.removeWhere((entry) => isErased(entry, names, { seq: 100, era: ERA }));
    expect(removed).toEqual(["item:50"]);
    expect(memory.stats().entries).toBe(1);
    expect(memory.peek("item:150")).toBeDefined();
  });
});
