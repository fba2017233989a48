import { describe, expect, it } from "vitest";
import { applyAnswer, noteNumbers, verdictByView } from "../../src/core/log.ts";
import { createLogView, type LogView } from "../../src/core/log-view.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";

/** A view of era "e" up to number 100. */
function createView(): LogView {
  const view = createLogView();
  const answer = { sentAt: 1_000, era: "e", seq: 100, floor: 0, since: 100, truncated: false };
  applyAnswer(view, { ...answer, changes: [] });
  return view;
}

/** An entry whose keys are counted when they are read. */
function counted(asOf: number, tags: readonly string[]) {
  const looks = { count: 0 };
  const { invalidationKeys, ...dated } = entryOf({
    asOf,
    era: "e",
    invalidationKeys: invalidationKeysOf("product:1", ...tags),
  });
  const keys = new Proxy(invalidationKeys, {
    get(target, name, receiver) {
      if (name === Symbol.iterator) looks.count++;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  return { entry: { ...dated, invalidationKeys: keys }, looks };
}

describe("verdictByView", () => {
  it("the keys of an entry with many tags are looked up once for each change of the log view, also after a lower number", () => {
    const view = createView();
    const { entry, looks } = counted(
      100,
      Array.from({ length: 64 }, (_, at) => `a${at}`),
    );
    noteNumbers(view, ["t:b"] as never, 150);
    for (let hit = 0; hit < 3; hit++) expect(verdictByView(view, entry)).toBe("valid");
    expect(looks.count).toBe(1);
    noteNumbers(view, ["t:b"] as never, 140);
    expect(verdictByView(view, entry)).toBe("valid");
    expect(looks.count).toBe(1);
    noteNumbers(view, ["t:c"] as never, 120);
    for (let hit = 0; hit < 3; hit++) expect(verdictByView(view, entry)).toBe("valid");
    expect(looks.count).toBe(2);
    noteNumbers(view, ["t:a63"] as never, 110);
    expect(verdictByView(view, entry)).toBe("invalidated");
    expect(verdictByView(view, entry)).toBe("invalidated");
  });

  it("an entry with many tags and a soft invalidation is stale at each look", () => {
    const view = createView();
    const { entry } = counted(
      100,
      Array.from({ length: 64 }, (_, at) => `a${at}`),
    );
    noteNumbers(view, ["~t:a7"] as never, 150);
    for (let hit = 0; hit < 3; hit++) expect(verdictByView(view, entry)).toBe("soft");
    noteNumbers(view, ["t:a8"] as never, 151);
    expect(verdictByView(view, entry)).toBe("invalidated");
  });
});
