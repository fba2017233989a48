import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  createLogView,
  verdictByView,
  markInvalidated,
  noteNumbers,
  unmark,
  type LogAnswer,
} from "../../src/core/log.ts";
import { ABANDONED_MS, endAbandoned, keepMark } from "../../src/core/log-marks.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

const answer = (more: Partial<LogAnswer>): LogAnswer => ({
  sentAt: 1,
  era: "e",
  seq: 100,
  floor: 0,
  since: 100,
  truncated: false,
  changes: [],
  ...more,
});

const tagged = (asOf: number, tag = "a") =>
  entryOf({ asOf, era: "e", invalidationKeys: invalidationKeysOf("item:1", tag) });

describe("abandoned marks", () => {
  const marked = () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    return { view, mark: markInvalidated(view, ["t:a", "?t:b"]) };
  };

  it("a mark whose invalidation has no outcome ends 30 seconds after the first answer of the invalidation log", () => {
    const { view } = marked();
    endAbandoned(view.pending, 1_000_000);
    endAbandoned(view.pending, 1_000_000 + ABANDONED_MS - 1);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    expect(verdictByView(view, tagged(100, "b"))).toBe("unconfirmed");
    endAbandoned(view.pending, 1_000_000 + ABANDONED_MS);
    expect(view.pending.size).toBe(0);
    expect(verdictByView(view, tagged(100))).toBe("valid");
  });

  it("the mark of a deferred invalidation does not end before the invalidation log gives it a number", () => {
    const { view, mark } = marked();
    keepMark(mark);
    for (const at of [1_000_000, 1_000_000 + 10 * ABANDONED_MS]) endAbandoned(view.pending, at);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    noteNumbers(view, ["t:a", "?t:b"], 101);
    expect(view.pending.size).toBe(0);
  });

  it("a clock that is set back does not end a mark early", () => {
    const { view } = marked();
    endAbandoned(view.pending, 1_000_000);
    endAbandoned(view.pending, 900_000);
    endAbandoned(view.pending, 900_000 + ABANDONED_MS - 1);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    endAbandoned(view.pending, 900_000 + ABANDONED_MS);
    expect(view.pending.size).toBe(0);
  });
});

describe("pending invalidation keys", () => {
  it("an invalidation that has no number in the invalidation log yet invalidates entries with any `asOf` (log position)", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    expect(verdictByView(view, tagged(1_000))).toBe("invalidated");
    expect(verdictByView(view, tagged(100, "b"))).toBe("valid");
  });

  it("an isolate's own invalidation stays in force if the first response of the invalidation log does not list it", () => {
    const view = createLogView();
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    applyAnswer(view, answer({}));
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
  });

  it("once a pending invalidation gets its number in the invalidation log, it invalidates only entries with a lower `asOf`", () => {
    for (const source of ["own", "log"] as const) {
      const view = createLogView();
      applyAnswer(view, answer({}));
      markInvalidated(view, ["t:a"]);
      if (source === "own") noteNumbers(view, ["t:a"], 150);
      else applyAnswer(view, answer({ sentAt: 2, seq: 150, since: 100, changes: [["t:a", 150]] }));
      expect(verdictByView(view, tagged(149))).toBe("invalidated");
      expect(verdictByView(view, tagged(150))).toBe("valid");
    }
  });

  it("an isolate's own invalidation stays in force if the invalidation log reports only an older number for the same key", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    markInvalidated(view, ["t:a"]);
    applyAnswer(view, answer({ sentAt: 2, since: 100, changes: [["t:a", 100]] }));
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
  });

  it("an entry stays invalid in the log view until both of two pending invalidations of its key have been taken back", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    const first = markInvalidated(view, ["t:a", "t:b"]);
    const second = markInvalidated(view, ["t:a"]);
    unmark(view, first);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    expect(verdictByView(view, tagged(100, "b"))).toBe("valid");
    unmark(view, second);
    expect(verdictByView(view, tagged(100))).toBe("valid");
    unmark(view, second);
    expect(view.pending.size).toBe(0);
  });

  it("a log view stores at most 20,000 keys whose invalidation has no number in the invalidation log yet", () => {
    const view = createLogView();
    for (let i = 0; i < 30_000; i++) markInvalidated(view, [`t:${i}`]);
    expect(view.pending.size).toBeLessThanOrEqual(20_000);
    expect(verdictByView(view, tagged(100, "29999"))).toBe("invalidated");
  });
});
