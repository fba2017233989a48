import { describe, expect, it } from "vitest";
import {
  answerOf,
  applyShared,
  changesSince,
  decodeShare,
  encodeShare,
  isShareable,
  recentChanges,
  syncPartOf,
} from "../../src/core/log-share.ts";
import { CLOCK_MARGIN_MS, GIVE_UP_PART } from "../../src/core/share-timing.ts";
import { applyAnswer, MAX_CHANGES, type LogAnswer } from "../../src/core/log.ts";
import { createLogView, type LogView } from "../../src/core/log-view.ts";

const NOW = 1_000_000;
/** A number of the log, in seconds after the first one of a test. */
const at = (seconds: number): number => 1_000_000_000_000 + seconds * 1_000_000;

const answer = (fields: Partial<LogAnswer> = {}): LogAnswer => ({
  sentAt: NOW,
  era: "era-1",
  seq: at(0),
  floor: 0,
  since: 0,
  truncated: false,
  changes: [],
  ...fields,
});

function viewOf(fields: Partial<LogAnswer> = {}): LogView {
  const view = createLogView();
  applyAnswer(view, answer({ sentAt: NOW - 800, ...fields }));
  return view;
}

describe("what a log view hands on", () => {
  const changes = [
    ["t:old", at(0)],
    ["t:new", at(2)],
    ["~t:soft", at(3)],
    ["?t:unconfirmed", at(3)],
  ] as const;

  it("a log view hands on its hard, soft and unconfirmed changes from a given number on", () => {
    const view = viewOf({ seq: at(3), changes });
    expect(changesSince(view, at(1))).toEqual({
      era: "era-1",
      seq: at(3),
      floor: 0,
      since: at(1),
      changes: changes.slice(1),
    });
  });

  it("a log view hands on nothing from a number below its base, since it may lack changes there", () => {
    const view = viewOf({ seq: at(3), since: at(1), changes: changes.slice(1) });
    expect(changesSince(view, at(0))).toBeUndefined();
    expect(changesSince(view, at(1))?.changes).toHaveLength(3);
  });

  it("a log view hands on nothing from a number above its newest one", () => {
    expect(changesSince(viewOf({ seq: at(3), changes }), at(4))).toBeUndefined();
  });

  it("a log view without an era hands on nothing", () => {
    expect(changesSince(createLogView(), 0)).toBeUndefined();
    expect(recentChanges(createLogView())).toBeUndefined();
  });

  it("the recent changes of a log view are those of the last 10 seconds", () => {
    const view = viewOf({ seq: at(12), changes: [...changes, ["t:last", at(12)]] });
    expect(recentChanges(view)).toMatchObject({
      since: at(2),
      changes: [
        ["t:new", at(2)],
        ["t:last", at(12)],
        ["~t:soft", at(3)],
        ["?t:unconfirmed", at(3)],
      ],
    });
  });

  it("the recent changes of a log view are the newest 1,000 if there were more in the last 10 seconds", () => {
    const many = Array.from({ length: 2_500 }, (_, n) => [`t:${n}`, at(0) + n] as const);
    const recent = recentChanges(viewOf({ seq: at(0) + 2_499, changes: many }));
    expect(recent?.since).toBe(at(0) + 1_500);
    expect(recent?.changes).toHaveLength(MAX_CHANGES);
  });
});

describe("the instant of a shared answer of the log", () => {
  const shared = { era: "era-1", seq: at(1), floor: 0, since: at(0), changes: [], deferred: [] };

  it("an answer that the log object got 300 ms before the question counts as sent 300 ms before the question", () => {
    expect(answerOf({ ...shared, ageMs: 300 }, NOW).sentAt).toBe(NOW - 300);
  });

  it("an answer that the log object got 80 ms after the question counts as sent 80 ms after the question", () => {
    expect(answerOf({ ...shared, ageMs: -80 }, NOW).sentAt).toBe(NOW + 80);
  });

  it("a share of the data centre keeps every field, and its instant is 50 ms earlier for its readers", () => {
    const written = answer({
      seq: at(1),
      since: at(0),
      changes: [["t:a", at(1)]],
      deferred: ["t:b"],
    });
    expect(decodeShare(encodeShare(written), NOW + 20)).toEqual({
      ...written,
      sentAt: NOW - CLOCK_MARGIN_MS,
    });
  });

  it("a share of the data centre is absent if its instant is more than 50 ms in the future of its reader", () => {
    const text = encodeShare(answer());
    expect(decodeShare(text, NOW - CLOCK_MARGIN_MS)).toBeDefined();
    expect(decodeShare(text, NOW - CLOCK_MARGIN_MS - 1)).toBeUndefined();
  });

  it.each([
    "",
    "null",
    "{",
    "[]",
    '"text"',
    encodeShare(answer({ era: undefined })),
    encodeShare(answer({ seq: undefined })),
    encodeShare(answer({ sentAt: Number.NaN })),
    encodeShare(answer()).replace('"changes":[]', '"changes":[["t:a"]]'),
    encodeShare(answer()).replace('"changes":[]', '"changes":[["t:a","1"]]'),
    encodeShare(answer()).replace('"floor":0', '"floor":"0"'),
  ])("a malformed share of the data centre is absent: %j", (text) => {
    expect(decodeShare(text, NOW)).toBeUndefined();
  });
});

describe("a shared answer of the log", () => {
  const next = answer({ sentAt: NOW - 100, seq: at(1), since: at(0), changes: [["t:a", at(1)]] });

  it("a shared answer of the same era brings a log view to the instant and the changes of the answer", () => {
    const view = viewOf();
    expect(applyShared(view, next, NOW)).toBe(true);
    expect(view).toMatchObject({ stamp: NOW - 100, seen: at(1) });
    expect(view.hard.get("t:a")).toBe(at(1));
  });

  it.each<[string, Partial<LogAnswer>]>([
    ["of another era", { era: "era-2" }],
    ["without an era", { era: undefined }],
    ["without a newest number", { seq: undefined }],
    ["that lacks numbers which the view has", { seq: at(0) - 1 }],
    ["that begins after the newest number of the view", { since: at(0) + 1 }],
    ["that leaves changes out", { truncated: true }],
    ["no newer than the view", { sentAt: NOW - 800 }],
    ["with an instant in the future", { sentAt: NOW + 1 }],
    ["whose instant is no number", { sentAt: Number.NaN }],
  ])("a shared answer %s leaves the log view as it is, so that Redis is asked", (_, fields) => {
    const view = viewOf();
    const before = structuredClone(view);
    expect(applyShared(view, { ...next, ...fields }, NOW)).toBe(false);
    expect(view).toEqual(before);
  });

  it("a shared answer does not begin the era of a new log view", () => {
    const view = createLogView();
    expect(applyShared(view, next, NOW)).toBe(false);
    expect(view.era).toBeUndefined();
  });

  it("an answer is offered to others only with an era, a newest number and all its changes", () => {
    expect(isShareable(next)).toBe(true);
    expect(isShareable({ ...next, truncated: true })).toBe(false);
    expect(isShareable({ ...next, era: undefined })).toBe(false);
    expect(isShareable({ ...next, seq: undefined })).toBe(false);
  });
});

describe("the instant of the next background sync", () => {
  it("the leader of a data centre syncs before each follower, with any random part", () => {
    const latest = syncPartOf("leader", () => 0.999);
    const earliest = syncPartOf("follower", () => 0);
    expect(latest).toBeLessThan(earliest);
    expect(syncPartOf("follower", () => 0.999)).toBeLessThan(GIVE_UP_PART);
  });
});
