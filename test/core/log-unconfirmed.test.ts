import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  markInvalidated,
  unmark,
  verdictByView,
  type LogAnswer,
} from "../../src/core/log.ts";
import { createLogView, type LogView } from "../../src/core/log-view.ts";
import { verdictWithAnswer } from "../../src/core/log-verdict.ts";
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

describe("unconfirmed invalidations in a log view", () => {
  it("an entry whose tag an unconfirmed write has named gets the verdict `unconfirmed`, and an entry that was loaded after the write gets `valid`", () => {
    const view = viewOf();
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 110, changes: [["?t:a", 110]] }));
    expect(verdictByView(view, item(109))).toBe("unconfirmed");
    expect(verdictByView(view, item(110))).toBe("valid");
  });

  it("a hard invalidation before or after an unconfirmed one gives an older entry the verdict `invalidated`", () => {
    for (const [hard, unconfirmed] of [
      [110, 120],
      [120, 110],
    ] as const) {
      const view = viewOf();
      const changes = [
        ["t:a", hard],
        ["?t:a", unconfirmed],
      ] as const;
      applyAnswer(view, answerOf({ sentAt: 1_001, seq: 120, changes }));
      expect(verdictByView(view, item(109))).toBe("invalidated");
    }
  });

  it("an unconfirmed invalidation without a number gives all entries with its tag the verdict `unconfirmed` until the invalidation is taken back", () => {
    const view = viewOf();
    const mark = markInvalidated(view, ["?t:a"]);
    expect(verdictByView(view, item(100))).toBe("unconfirmed");
    expect(verdictWithAnswer(view, item(100), "valid")).toBe("unconfirmed");
    expect(verdictWithAnswer(view, item(100), "invalidated")).toBe("invalidated");
    unmark(view, mark);
    expect(verdictByView(view, item(100))).toBe("valid");
    expect(verdictWithAnswer(view, item(100), "valid")).toBe("valid");
  });

  it("an unconfirmed invalidation without a number ends with the number that the invalidation log gives it", () => {
    const view = viewOf();
    markInvalidated(view, ["?t:a"]);
    applyAnswer(view, answerOf({ sentAt: 1_001, seq: 110, changes: [["?t:a", 110]] }));
    expect(view.pending.size).toBe(0);
    expect(verdictByView(view, item(109))).toBe("unconfirmed");
    expect(verdictByView(view, item(110))).toBe("valid");
  });

  it("before the invalidation log has answered, an unconfirmed invalidation gives an entry the verdict `invalidated`", () => {
    const view = createLogView();
    markInvalidated(view, ["?t:a"]);
    expect(verdictByView(view, item(100, ""))).toBe("invalidated");
  });
});
