import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  verdictByView,
  markInvalidated,
  noteNumbers,
  unmark,
  type LogAnswer,
} from "../../src/core/log.ts";
import { createLogView } from "../../src/core/log-view.ts";
import { settleMarks } from "../../src/core/log-view.ts";
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

  it("a pending invalidation whose number came before its mark ends with the next number of the log, after a response that was asked for 5 s later", () => {
    const view = createLogView();
    const ask = (sentAt: number, seq: number): void => {
      applyAnswer(view, answer({ sentAt, seq, since: view.seen }));
      settleMarks(view, sentAt, sentAt + 10);
    };
    // Another isolate has delivered the outbox row before the writer knows that it has committed.
    applyAnswer(view, answer({ changes: [["t:a", 100]] }));
    markInvalidated(view, ["t:a", "t:b"]);
    for (const [sentAt, seq] of [
      [1_000, 100],
      [6_010, 110],
    ] as const) {
      ask(sentAt, seq);
      expect(verdictByView(view, tagged(1_000))).toBe("invalidated");
    }
    ask(6_011, 120);
    expect(verdictByView(view, tagged(120))).toBe("invalidated");
    for (const tag of ["a", "b"]) expect(verdictByView(view, tagged(121, tag))).toBe("valid");
    expect(view.pending.size).toBe(0);
  });

  it("a pending invalidation ends 5 s after a response, also if the clock was set back by an hour", () => {
    const view = createLogView();
    markInvalidated(view, ["t:a"]);
    settleMarks(view, 3_600_000, 3_600_000);
    settleMarks(view, 10, 20);
    settleMarks(view, 5_020, 5_030);
    expect(view.pending.size).toBe(1);
    settleMarks(view, 5_021, 5_030);
    expect(view.pending.size).toBe(0);
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

  it("a log view stores at most 10,000 keys whose invalidation has no number in the invalidation log yet", () => {
    const view = createLogView();
    for (let i = 0; i < 30_000; i++) markInvalidated(view, [`t:${i}`]);
    expect(view.pending.size).toBeLessThanOrEqual(10_000);
    expect(verdictByView(view, tagged(100, "29999"))).toBe("invalidated");
  });

  it("10,000 pending invalidations of one tag take the memory of a few marks, and the last number ends them", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    const marks = Array.from({ length: 10_000 }, () => markInvalidated(view, ["t:a"]));
    expect(view.pending.get("t:a")?.size).toBeLessThan(10);
    // A write whose invalidation failed for good ends only its own mark.
    for (const mark of marks.slice(0, -1)) unmark(view, mark);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    noteNumbers(view, ["t:a"], 101);
    expect(view.pending.size).toBe(0);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    expect(verdictByView(view, tagged(101))).toBe("valid");
  });

  it("an isolate that writes and never reads forgets the oldest numbers of its own invalidations", () => {
    const view = createLogView(100);
    applyAnswer(view, answer({}));
    for (let seq = 101; seq <= 1_000; seq++) noteNumbers(view, [`t:${seq}`], seq);
    expect(view.hard.size).toBeLessThanOrEqual(100);
    // The view cannot tell for an older entry, and can for a newer one.
    expect(verdictByView(view, tagged(100, "101"))).toBe("unknown");
    expect(verdictByView(view, tagged(999, "1000"))).toBe("invalidated");
    expect(verdictByView(view, tagged(1_000, "1000"))).toBe("valid");
  });

  it("soft invalidations that wait for a number take bounded memory", () => {
    const view = createLogView(100);
    applyAnswer(view, answer({}));
    for (let at = 0; at < 1_000; at++) markInvalidated(view, [`~t:${at}`]);
    expect(view.soft.size).toBeLessThanOrEqual(100);
  });
});
