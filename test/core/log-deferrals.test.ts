import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import {
  createDeferrals,
  DEFERRED_MS,
  markDeferred,
  MAX_DEFERRED,
} from "../../src/core/log-deferrals.ts";
import { applyAnswer, noteNumbers, verdictByView, type LogAnswer } from "../../src/core/log.ts";
import { createLogView } from "../../src/core/log-view.ts";

const NOW = 1_000_000;
const SEQ = 5_000;

const answer = (sentAt: number, fields: Partial<LogAnswer> = {}): LogAnswer => ({
  sentAt,
  era: "era-1",
  seq: SEQ,
  floor: 0,
  since: 0,
  truncated: false,
  changes: [],
  ...fields,
});

/** The deferrals of a log object that knows the log up to `SEQ`, and its next answers of Redis. */
function createHolder() {
  const view = createLogView();
  const deferrals = createDeferrals();
  const hear = (sentAt: number, fields?: Partial<LogAnswer>) => {
    applyAnswer(view, answer(sentAt, fields));
    deferrals.settle(view, sentAt);
  };
  hear(NOW);
  return { deferrals, hear };
}

describe("the deferred invalidations of a log object", () => {
  it("a deferred log key is handed on until the log has given it a number", () => {
    const { deferrals, hear } = createHolder();
    deferrals.add(["t:a", "~t:b", "?t:c"], NOW + 1);
    hear(NOW + 2);
    expect(deferrals.list(NOW + 3)).toEqual(["t:a", "~t:b", "?t:c"]);
    hear(NOW + 4, { seq: SEQ + 1, changes: [["t:a", SEQ + 1]] });
    expect(deferrals.list(NOW + 5)).toEqual(["~t:b", "?t:c"]);
  });

  it("a number that an earlier invalidation of the log key got does not end its deferral", () => {
    const { deferrals, hear } = createHolder();
    deferrals.add(["t:a"], NOW + 1);
    hear(NOW + 2, { seq: SEQ + 1, changes: [["t:a", SEQ + 1]] });
    hear(NOW + 3, { seq: SEQ + 2 });
    expect(deferrals.list(NOW + 4)).toEqual(["t:a"]);
  });

  it("a new era of the log ends all deferrals, since it makes every older entry invalid", () => {
    const { deferrals, hear } = createHolder();
    deferrals.add(["t:a"], NOW + 1);
    hear(NOW + 2);
    hear(NOW + 3, { era: "era-2" });
    expect(deferrals.list(NOW + 4)).toEqual([]);
  });

  it("a deferral that is not announced again ends after 90 s", () => {
    const { deferrals } = createHolder();
    deferrals.add(["t:a", "t:b"], NOW);
    deferrals.add(["t:a"], NOW + 60_000);
    expect(deferrals.list(NOW + DEFERRED_MS)).toEqual(["t:a", "t:b"]);
    expect(deferrals.list(NOW + DEFERRED_MS + 1)).toEqual(["t:a"]);
  });

  it("more than 1,000 deferred log keys become an unconfirmed invalidation of the namespace", () => {
    const { deferrals } = createHolder();
    const logKeys = Array.from({ length: MAX_DEFERRED }, (_, i): LogKey => `t:${i}`);
    deferrals.add(logKeys, NOW);
    expect(deferrals.list(NOW)).toHaveLength(MAX_DEFERRED);
    deferrals.add(["t:last"], NOW);
    expect(deferrals.list(NOW)).toEqual(["?n:"]);
  });
});

describe("deferred invalidations in a log view", () => {
  const entry = { invalidationKeys: ["t:a" as const], asOf: SEQ, era: "era-1" };

  function createView() {
    const view = createLogView();
    applyAnswer(view, answer(NOW));
    return view;
  }

  it.each<[string, LogKey, string]>([
    ["hard", "t:a", "invalidated"],
    ["soft", "~t:a", "soft"],
    ["unconfirmed", "?t:a", "unconfirmed"],
  ])(
    "an entry whose invalidation key has a deferred %s invalidation is not valid",
    (_, key, verdict) => {
      const view = createView();
      expect(verdictByView(view, entry)).toBe("valid");
      markDeferred(view, [key], SEQ);
      expect(verdictByView(view, entry)).toBe(verdict);
    },
  );

  it("an entry that was loaded after the log numbered a deferred invalidation is valid", () => {
    const view = createView();
    markDeferred(view, ["t:a"], SEQ);
    noteNumbers(view, ["t:a"], SEQ + 1);
    expect(verdictByView(view, { ...entry, asOf: SEQ + 1 })).toBe("valid");
    // The log object had not heard of the number yet.
    markDeferred(view, ["t:a"], SEQ);
    expect(verdictByView(view, { ...entry, asOf: SEQ + 1 })).toBe("valid");
  });
});
