import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  createLogView,
  verdictByView,
  verdictByNumbers,
  markInvalidated,
  noteNumbers,
  type LogAnswer,
  type LogView,
} from "../../src/core/log.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";

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

/** A view that knows era "e" up to 100, as of 1,000. */
function viewOf(fields: Partial<LogView> = {}): LogView {
  const view = createLogView();
  applyAnswer(view, answerOf({ since: undefined }));
  return Object.assign(view, fields);
}

const item = (asOf: number, era = "e") =>
  entryOf({ asOf, era, invalidationKeys: taggedMembers("product:1", "a") });

describe("an answer of the log", () => {
  it("is the beginning of what a fresh isolate knows", () => {
    const view = createLogView();
    expect(applyAnswer(view, answerOf({ since: undefined, floor: 7 }))).toBe("applied");
    expect(view).toMatchObject({ era: "e", base: 100, seen: 100, floor: 7, stamp: 1_000 });
  });

  it.each<[string, Partial<LogAnswer>, string]>([
    ["of an earlier question", { sentAt: 999, seq: 200 }, "ignored"],
    ["of an earlier question, though the log was gone", { sentAt: 999, era: undefined }, "ignored"],
    ["without an era", { sentAt: 1_001, era: undefined, seq: undefined }, "lost"],
    ["without an era, though with a number", { sentAt: 1_001, era: undefined }, "lost"],
    ["of another era", { sentAt: 1_001, era: "f", seq: 50 }, "renewed"],
    ["of another era without a number", { sentAt: 1_001, era: "f", seq: undefined }, "behind"],
    ["without a number", { sentAt: 1_001, seq: undefined }, "behind"],
    ["with a lower number", { sentAt: 1_001, seq: 99 }, "behind"],
    ["with a lower number, of the same instant", { seq: 99 }, "ignored"],
    ["to a question for the head alone", { sentAt: 1_001, since: undefined, seq: 120 }, "ignored"],
    ["that begins above what is known", { sentAt: 1_001, since: 101, seq: 120 }, "ignored"],
    ["that begins at what is known", { sentAt: 1_001, since: 100, seq: 120 }, "applied"],
    ["that begins below what is known", { sentAt: 1_001, since: 3, seq: 120 }, "applied"],
    ["of the same instant", { seq: 120 }, "applied"],
    ["that is the same again", {}, "applied"],
  ])("%s: %o is %s", (_, fields, outcome) => {
    const view = viewOf();
    const before = structuredClone(view);
    expect(applyAnswer(view, answerOf(fields))).toBe(outcome);
    if (outcome !== "applied" && outcome !== "renewed") expect(view).toEqual(before);
    else expect(view).toMatchObject({ seen: fields.seq ?? 100, stamp: fields.sentAt ?? 1_000 });
  });

  it("invalidates what it names, and nothing else", () => {
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
      invalidationKeys: taggedMembers("product:1", "b"),
    });
    expect(verdictByView(view, soft)).toBe("soft");
    expect(verdictByView(view, { ...soft, asOf: 111 })).toBe("valid");
  });

  it("merges by maximum, in whatever order answers arrive", () => {
    const view = viewOf();
    const newest = answerOf({ sentAt: 1_002, seq: 120, changes: [["t:a", 120]] });
    const older = answerOf({ sentAt: 1_003, seq: 120, since: 50, changes: [["t:a", 60]] });
    applyAnswer(view, newest);
    applyAnswer(view, older);
    expect(verdictByView(view, item(119))).toBe("invalidated");
  });

  it("that was cut short leaves entries below it to be asked about", () => {
    const view = viewOf();
    const changes = [
      ["t:x", 150],
      ["t:y", 140],
    ] as const;
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, truncated: true, changes }));
    expect(verdictByView(view, item(139))).toBe("unknown");
    expect(verdictByView(view, item(140))).toBe("valid");
  });

  it("that was cut short inside one number leaves entries at that number valid", () => {
    const view = viewOf();
    const changes = [
      ["t:x", 150],
      ["t:y", 150],
    ] as const;
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, truncated: true, changes }));
    expect(verdictByView(view, item(149))).toBe("unknown");
    expect(verdictByView(view, item(150))).toBe("valid");
  });

  it("with a floor above what was known empties the isolate's memory of the log", () => {
    const view = viewOf();
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, changes: [["t:b", 150]], floor: 120 }));
    expect(view).toMatchObject({ base: 150, seen: 150, floor: 120 });
    expect(verdictByView(view, item(119))).toBe("floor");
    expect(verdictByView(view, item(149))).toBe("unknown");
    expect(verdictByView(view, item(150))).toBe("valid");
  });

  it("with such a floor does not undo what this isolate has invalidated itself", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 170);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 150, floor: 120 }));
    expect(verdictByView(view, item(160))).toBe("invalidated");
  });

  it("of another era makes everything of the former one void", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 500);
    applyAnswer(view, answerOf({ sentAt: 1_001, era: "f", seq: 50, floor: 0 }));
    expect(verdictByView(view, item(1_000_000))).toBe("era");
    expect(verdictByView(view, item(49, "f"))).toBe("unknown");
    expect(verdictByView(view, item(50, "f"))).toBe("valid");
  });
});

describe("what an isolate remembers", () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => [`t:tag${from + i}`, 101 + i] as const);

  it("is bounded: beyond it, entries are asked about one by one", () => {
    const view = viewOf();
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 20_100, changes: many(0, 20_000) }));
    expect(verdictByView(view, item(100))).toBe("valid");
    applyAnswer(
      view,
      answerOf({ sentAt: 1_002, since: 20_100, seq: 20_101, changes: [["t:one-more", 20_101]] }),
    );
    expect(view.hard.size + view.soft.size).toBe(0);
    expect(verdictByView(view, item(20_100))).toBe("unknown");
    expect(verdictByView(view, item(20_101))).toBe("valid");
  });

  it("keeps a number of its own that the log has not told yet", () => {
    const view = viewOf();
    noteNumbers(view, ["t:a"], 30_000);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 20_101, changes: many(0, 20_000) }));
    expect(verdictByView(view, item(20_500))).toBe("invalidated");
  });
});

describe("marking dead", () => {
  it("is for what this isolate can have loaded, before the log has a number", () => {
    const view = viewOf();
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, item(100))).toBe("invalidated");
    expect(verdictByView(view, entryOf({ asOf: 100, era: "e" }))).toBe("valid");
  });

  it("softly leaves an entry usable, as stale", () => {
    const view = viewOf();
    markInvalidated(view, ["~t:a"]);
    expect(verdictByView(view, item(100))).toBe("soft");
  });

  it("works in an isolate that has never reached the log", () => {
    const view = createLogView();
    const own = item(0, "");
    expect(verdictByView(view, own)).toBe("unknown");
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, own)).toBe("invalidated");
  });

  it("ends when the log knows better", () => {
    const view = viewOf();
    markInvalidated(view, ["t:a"]);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 130, changes: [["t:a", 130]] }));
    expect(verdictByView(view, item(129))).toBe("invalidated");
    expect(verdictByView(view, item(130))).toBe("valid");
  });
});

describe("the verdict over an entry", () => {
  it("needs the log: without it nothing is known", () => {
    expect(verdictByView(createLogView(), item(100))).toBe("unknown");
  });

  it("is that of its era, before its number", () => {
    expect(verdictByView(viewOf(), item(100, "other"))).toBe("era");
    expect(verdictByView(viewOf(), item(100, ""))).toBe("era");
  });

  it("is the harder one where names are invalidated both ways", () => {
    const view = viewOf({ hard: new Map([["n:", 120]]), soft: new Map([["t:a", 130]]), seen: 130 });
    expect(verdictByView(view, item(119))).toBe("invalidated");
    expect(verdictByView(view, item(120))).toBe("soft");
  });

  it.each<[string, Parameters<typeof verdictByNumbers>[1], Partial<LogAnswer>, string]>([
    ["without numbers", { hard: 0, soft: 0 }, {}, "valid"],
    ["at its own number", { hard: 100, soft: 100 }, {}, "valid"],
    ["invalidated", { hard: 101, soft: 0 }, { seq: 101 }, "invalidated"],
    ["softly invalidated", { hard: 100, soft: 101 }, { seq: 101 }, "soft"],
    ["invalidated both ways", { hard: 101, soft: 102 }, { seq: 102 }, "invalidated"],
    ["of another era", { hard: 0, soft: 0 }, { era: "f" }, "era"],
    ["below the floor", { hard: 0, soft: 0 }, { floor: 101, seq: 200 }, "floor"],
    ["at the floor", { hard: 0, soft: 0 }, { floor: 100, seq: 200 }, "valid"],
    ["beside no log", { hard: 0, soft: 0 }, { era: undefined, seq: undefined }, "unknown"],
    ["beside an era without a number", { hard: 0, soft: 0 }, { seq: undefined }, "unknown"],
  ])("by numbers, %s", (_, numbers, log, verdict) => {
    expect(verdictByNumbers(item(100), numbers, answerOf(log))).toBe(verdict);
  });
});
