/** The explanation as a pure function of facts: causes that a layer cannot easily be brought to. */
import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/core/policy.ts";
import type { KeyNote } from "../../src/core/key-notes.ts";
import type { Verdict } from "../../src/core/log.ts";
import { explain, type KeyFacts } from "../../src/engine/explain.ts";
import type { TierReport } from "../../src/engine/inspect.ts";
import { entryOf } from "../support/entries.ts";

const NOW = 1_000_000;
const policy = definePolicy({ freshFor: "1m", jitter: 0 });

const facts = (fields: Partial<KeyFacts> = {}): KeyFacts => ({
  now: NOW,
  policy,
  tiers: [],
  logState: "current",
  confirmedAt: NOW,
  notes: [],
  isMarked: false,
  pausedBy: undefined,
  ...fields,
});

const held = (verdict: Verdict, tier: "memory" | "redis" = "memory"): TierReport => ({
  tier,
  state: "held",
  entry: entryOf({ storedAt: NOW - 1_000 }),
  verdict,
  by: undefined,
});

describe("an explanation", () => {
  it.each<[Verdict, string]>([
    ["floor", "floor"],
    ["era", "era"],
    ["unknown", "verify"],
    ["unconfirmed", "unconfirmed"],
    ["invalidated", "invalidated"],
    ["valid", "hit-memory"],
  ])("an entry with the verdict %s is explained with the code %s", (verdict, code) => {
    expect(explain(facts({ tiers: [held(verdict)] })).next.code).toBe(code);
  });

  it("a tier that the policy does not use is not explained as answering", () => {
    const only = definePolicy({ freshFor: "1m", tiers: ["memory"] });
    const { next } = explain(facts({ policy: only, tiers: [held("valid", "redis")] }));
    expect(next.code).toBe("never-read");
  });

  it("an entry that the policy keeps back while Redis is away is explained with the code log-away", () => {
    const bypass = definePolicy({ freshFor: "1m", onUnreachable: "bypass" });
    const { next } = explain(
      facts({ policy: bypass, logState: "unreachable", tiers: [held("valid")] }),
    );
    expect(next.code).toBe("log-away");
  });

  it("a refresh that failed after a miss is not explained as the result of the miss", () => {
    const notes: KeyNote[] = [
      { at: 1, type: "stored", freshUntil: 5, negative: false, policy },
      { at: 2, type: "answered", status: "miss" },
      { at: 3, type: "failed", fault: "origin.timeout", policy },
      { at: 4, type: "rejected", tier: "memory", reason: "invalidated", by: undefined },
    ];
    const { last } = explain(facts({ notes }));
    expect([last?.missed.code, last?.result.code]).toEqual(["absent", "stored"]);
  });

  it("an entry that a tier finds too large after the answer is explained as the result of the miss", () => {
    const notes: KeyNote[] = [
      { at: 1, type: "stored", freshUntil: 5, negative: false, policy },
      { at: 2, type: "answered", status: "miss" },
      { at: 3, type: "rejected", tier: "edge", reason: "too-big", by: undefined },
    ];
    expect(explain(facts({ notes })).last?.result.code).toBe("too-big");
  });
});
