import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  verdictByView,
  markInvalidated,
  noteNumbers,
  type LogAnswer,
} from "../../src/core/log.ts";
import { createLogView, type LogView } from "../../src/core/log-view.ts";
import { verdictByNumbers } from "../../src/core/log-verdict.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

const answerOf = (fields: Partial<LogAnswer> = {}): LogAnswer => ({
  sentAt: 1_000,
  era: "e",
  seq: 100,
  floor: 0,
  since: 100,
  truncated: false,
  changes: [],
  ...fields,
});

/** A view of era "e" up to number 100, synced at 1,000. */
function viewOf(fields: Partial<LogView> = {}): LogView {
  const view = createLogView();
  applyAnswer(view, answerOf());
  return Object.assign(view, fields);
}

const item = (asOf: number, era = "e") =>
  entryOf({ asOf, era, invalidationKeys: invalidationKeysOf("product:1", "a") });

describe("applyAnswer", () => {
  it("the first response of the invalidation log sets the fields `era`, `base`, `seen`, `floor` and `stamp` of a log view", () => {
    const view = createLogView();
    expect(applyAnswer(view, answerOf({ floor: 7 }))).toBe("applied");
    expect(view).toMatchObject({ era: "e", base: 100, seen: 100, floor: 7, stamp: 1_000 });
  });

  it("if the first response of the invalidation log lists all invalidations, older entries get the verdict `valid` or `invalidated`", () => {
    const view = createLogView();
    applyAnswer(view, answerOf({ since: 0, changes: [["t:a", 40]] }));
    expect(view).toMatchObject({ base: 0, seen: 100 });
    expect(verdictByView(view, item(39))).toBe("invalidated");
    expect(verdictByView(view, item(40))).toBe("valid");
  });

  it("after a truncated first response of the invalidation log, entries older than its oldest number get the verdict `unknown`", () => {
    const view = createLogView();
    applyAnswer(view, answerOf({ since: 0, truncated: true, changes: [["t:b", 60]] }));
    expect(verdictByView(view, item(59))).toBe("unknown");
    expect(verdictByView(view, item(60))).toBe("valid");
  });

  it("if the invalidation log was trimmed before a log view's first sync, entries from before the trim stay `unknown`, even after a fail-over", () => {
    const view = createLogView();
    applyAnswer(view, answerOf({ since: 0, floor: 90 }));
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 120, floor: 0 }));
    expect(verdictByView(view, item(89))).toBe("unknown");
    expect(verdictByView(view, item(90))).toBe("valid");
  });

  it("an old number in the first response of the invalidation log does not end a pending invalidation of the same key", () => {
    const view = createLogView();
    markInvalidated(view, ["t:a"]);
    applyAnswer(view, answerOf({ since: 0, changes: [["t:a", 40]] }));
    expect(verdictByView(view, item(100))).toBe("invalidated");
    noteNumbers(view, ["t:a"], 101);
    expect(verdictByView(view, item(100))).toBe("invalidated");
    expect(verdictByView(view, item(101))).toBe("valid");
  });

  it.each<[string, Partial<LogAnswer>, string]>([
    ["of an earlier question", { sentAt: 999, seq: 200 }, "ignored"],
    ["of an earlier question, without a log", { sentAt: 999, era: undefined }, "ignored"],
    ["without an era", { sentAt: 1_001, era: undefined, seq: undefined }, "lost"],
    ["without an era and with a number", { sentAt: 1_001, era: undefined }, "lost"],
    ["of another era", { sentAt: 1_001, era: "f", seq: 50 }, "renewed"],
    ["of another era without a number", { sentAt: 1_001, era: "f", seq: undefined }, "behind"],
    ["without a number", { sentAt: 1_001, seq: undefined }, "behind"],
    ["with a lower number", { sentAt: 1_001, seq: 99 }, "behind"],
    ["with a lower number, sent at the same instant", { seq: 99 }, "ignored"],
    ["with all numbers", { sentAt: 1_001, since: 0, seq: 120 }, "applied"],
    ["that begins above the last number seen", { sentAt: 1_001, since: 101, seq: 120 }, "ignored"],
    ["that begins at the last number seen", { sentAt: 1_001, since: 100, seq: 120 }, "applied"],
    ["that begins below the last number seen", { sentAt: 1_001, since: 3, seq: 120 }, "applied"],
    ["sent at the same instant", { seq: 120 }, "applied"],
    ["that is repeated", {}, "applied"],
  ])(
    "the log view classifies a response of the invalidation log %s (%o) as `%s`",
    (_, fields, outcome) => {
      const view = viewOf();
      const before = structuredClone(view);
      expect(applyAnswer(view, answerOf(fields))).toBe(outcome);
      if (outcome !== "applied" && outcome !== "renewed") expect(view).toEqual(before);
      else expect(view).toMatchObject({ seen: fields.seq ?? 100, stamp: fields.sentAt ?? 1_000 });
    },
  );

  it("a response of the invalidation log invalidates only entries with the log keys that the response lists", () => {
    const view = viewOf();
    const changes = [
      ["t:a", 110],
      ["~t:b", 111],
    ] as const;
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 111, changes }));
    expect(verdictByView(view, item(109))).toBe("invalidated");
    expect(verdictByView(view, item(110))).toBe("valid");
    expect(verdictByView(view, entryOf({ asOf: 109, era: "e" }))).toBe("valid");
    const soft = entryOf({
      asOf: 110,
      era: "e",
      invalidationKeys: invalidationKeysOf("product:1", "b"),
    });
    expect(verdictByView(view, soft)).toBe("soft");
    expect(verdictByView(view, { ...soft, asOf: 111 })).toBe("valid");
  });

  it("a log view keeps the highest number of a log key, in whatever order the responses of the invalidation log arrive", () => {
    const view = viewOf();
    const newest = answerOf({ sentAt: 1_002, seq: 120, changes: [["t:a", 120]] });
    const older = answerOf({ sentAt: 1_003, seq: 120, since: 50, changes: [["t:a", 60]] });
    applyAnswer(view, newest);
    applyAnswer(view, older);
    expect(verdictByView(view, item(119))).toBe("invalidated");
  });

  it("after a truncated response of the invalidation log, entries older than the oldest listed number get the verdict `unknown`", () => {
    const view = viewOf();
    const changes = [
      ["t:x", 150],
      ["t:y", 140],
    ] as const;
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, truncated: true, changes }));
    expect(verdictByView(view, item(139))).toBe("unknown");
    expect(verdictByView(view, item(140))).toBe("valid");
  });

  it("if a truncated response of the invalidation log lists only a part of one invalidation, entries loaded after it are valid", () => {
    const view = viewOf();
    const changes = [
      ["t:x", 150],
      ["t:y", 150],
    ] as const;
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, truncated: true, changes }));
    expect(verdictByView(view, item(149))).toBe("unknown");
    expect(verdictByView(view, item(150))).toBe("valid");
  });

  it("if the invalidation log was trimmed beyond the last number that a log view has seen, entries from before the response are not valid", () => {
    const view = viewOf();
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, changes: [["t:b", 150]], floor: 120 }));
    expect(view).toMatchObject({ base: 150, seen: 150, floor: 120 });
    expect(verdictByView(view, item(119))).toBe("floor");
    expect(verdictByView(view, item(149))).toBe("unknown");
    expect(verdictByView(view, item(150))).toBe("valid");
  });

  it("a log view keeps the numbers of its isolate's own invalidations after the invalidation log was trimmed beyond what it has seen", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 170);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, floor: 120 }));
    expect(verdictByView(view, item(160))).toBe("invalidated");
  });

  it("a response of the invalidation log with a new era invalidates all entries of the old era", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 500);
    applyAnswer(view, answerOf({ sentAt: 1_001, era: "f", seq: 50, floor: 0 }));
    expect(verdictByView(view, item(1_000_000))).toBe("era");
    expect(verdictByView(view, item(49, "f"))).toBe("unknown");
    expect(verdictByView(view, item(50, "f"))).toBe("valid");
  });
});

describe("the size of a log view", () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => [`t:tag${from + i}`, 101 + i] as const);

  it("a log view with more than 20,000 numbers removes the oldest quarter, and only entries that old get the verdict `unknown`", () => {
    const view = viewOf();
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 20_100, changes: many(0, 20_000) }));
    expect(verdictByView(view, item(100))).toBe("valid");
    applyAnswer(
      view,
      answerOf({ sentAt: 1_002, since: 20_100, seq: 20_101, changes: [["t:one-more", 20_101]] }),
    );
    expect(view.hard.size + view.soft.size).toBe(15_000);
    expect(verdictByView(view, item(5_100))).toBe("unknown");
    expect(verdictByView(view, item(5_101))).toBe("valid");
  });

  it("a full log view keeps the number of its isolate's own invalidation that the invalidation log has not yet reported", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 30_000);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 20_101, changes: many(0, 20_000) }));
    expect(verdictByView(view, item(20_500))).toBe("invalidated");
  });
});

describe("markInvalidated", () => {
  it("markInvalidated() invalidates the entries with a key before the invalidation log has recorded the invalidation", () => {
    const view = viewOf();
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, item(100))).toBe("invalidated");
    expect(verdictByView(view, entryOf({ asOf: 100, era: "e" }))).toBe("valid");
  });

  it("markInvalidated() with the log key of a soft invalidation makes the entries with this tag stale", () => {
    const view = viewOf();
    markInvalidated(view, ["~t:a"]);
    expect(verdictByView(view, item(100))).toBe("soft");
  });

  it("markInvalidated() invalidates the entries with a key in an isolate that never reached the invalidation log", () => {
    const view = createLogView();
    const own = item(0, "");
    expect(verdictByView(view, own)).toBe("unknown");
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, own)).toBe("invalidated");
  });

  it("after markInvalidated(), entries with the key are valid again from the number on that the invalidation log reports", () => {
    const view = viewOf();
    markInvalidated(view, ["t:a"]);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 130, changes: [["t:a", 130]] }));
    expect(verdictByView(view, item(129))).toBe("invalidated");
    expect(verdictByView(view, item(130))).toBe("valid");
  });
});

describe("verdicts", () => {
  it("a log view that never got a response of the invalidation log gives an entry the verdict `unknown`", () => {
    expect(verdictByView(createLogView(), item(100))).toBe("unknown");
  });

  it("an entry of a different era of the invalidation log gets the verdict `era`", () => {
    expect(verdictByView(viewOf(), item(100, "other"))).toBe("era");
    expect(verdictByView(viewOf(), item(100, ""))).toBe("era");
  });

  it("an entry with a hard and a soft invalidation gets the verdict `invalidated`, not `soft`", () => {
    const view = viewOf({ seen: 130 });
    noteNumbers(view, ["n:"] as never, 120);
    noteNumbers(view, ["~t:a"] as never, 130);
    expect(verdictByView(view, item(119))).toBe("invalidated");
    expect(verdictByView(view, item(120))).toBe("soft");
  });

  it.each<[string, [hard: number, soft: number, unconfirmed: number], Partial<LogAnswer>, string]>([
    ["without numbers", [0, 0, 0], {}, "valid"],
    ["with numbers at its asOf", [100, 100, 0], {}, "valid"],
    ["with a higher hard number", [101, 0, 0], { seq: 101 }, "invalidated"],
    ["with a higher soft number", [100, 101, 0], { seq: 101 }, "soft"],
    ["with both numbers higher", [101, 102, 0], { seq: 102 }, "invalidated"],
    ["with a higher unconfirmed number", [100, 101, 101], { seq: 101 }, "unconfirmed"],
    ["with a higher hard and unconfirmed number", [101, 0, 102], { seq: 102 }, "invalidated"],
    ["of another era", [0, 0, 0], { era: "f" }, "era"],
    ["below the floor", [0, 0, 0], { floor: 101, seq: 200 }, "floor"],
    ["at the floor", [0, 0, 0], { floor: 100, seq: 200 }, "valid"],
    ["of a log that is lost", [0, 0, 0], { era: undefined, seq: undefined }, "unknown"],
    ["of a log with an era and no number", [0, 0, 0], { seq: undefined }, "unknown"],
  ])(
    "verdictByNumbers() judges an entry %s by the era, the floor and the numbers of the invalidation log",
    (_, [hard, soft, unconfirmed], log, verdict) => {
      const numbers = { hard, soft, unconfirmed };
      expect(verdictByNumbers(item(100), numbers, answerOf(log))).toBe(verdict);
    },
  );
});
