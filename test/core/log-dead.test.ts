import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  createLogView,
  verdictByView,
  markInvalidated,
  noteNumbers,
  type LogAnswer,
} from "../../src/core/log.ts";
import { entryOf, taggedMembers } from "../support/entries.ts";

const answer = (more: Partial<LogAnswer>): LogAnswer => ({
  sentAt: 1,
  era: "e",
  seq: 100,
  floor: 0,
  since: undefined,
  truncated: false,
  changes: [],
  ...more,
});

const tagged = (asOf: number, tag = "a") =>
  entryOf({ asOf, era: "e", invalidationKeys: taggedMembers("item:1", tag) });

describe("what an isolate has changed and the log has not numbered", () => {
  it("is dead whoever loaded it, and however much that one knew", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    expect(verdictByView(view, tagged(1_000))).toBe("invalidated");
    expect(verdictByView(view, tagged(100, "b"))).toBe("valid");
  });

  it("is dead before the log was ever reached, and after its first answer", () => {
    const view = createLogView();
    markInvalidated(view, ["t:a"]);
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
    applyAnswer(view, answer({}));
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
  });

  it("lives again as of its number, from this isolate or from the log", () => {
    for (const learn of ["noted", "heard"] as const) {
      const view = createLogView();
      applyAnswer(view, answer({}));
      markInvalidated(view, ["t:a"]);
      if (learn === "noted") noteNumbers(view, ["t:a"], 150);
      else applyAnswer(view, answer({ sentAt: 2, seq: 150, since: 100, changes: [["t:a", 150]] }));
      expect(verdictByView(view, tagged(149))).toBe("invalidated");
      expect(verdictByView(view, tagged(150))).toBe("valid");
    }
  });

  it("is not brought back by a number from before", () => {
    const view = createLogView();
    applyAnswer(view, answer({}));
    markInvalidated(view, ["t:a"]);
    applyAnswer(view, answer({ sentAt: 2, since: 100, changes: [["t:a", 100]] }));
    expect(verdictByView(view, tagged(100))).toBe("invalidated");
  });

  it("is bounded, however long the log is away", () => {
    const view = createLogView();
    for (let i = 0; i < 30_000; i++) markInvalidated(view, [`t:${i}`]);
    expect(view.pending.size).toBeLessThanOrEqual(20_000);
    expect(verdictByView(view, tagged(100, "29999"))).toBe("invalidated");
  });
});
