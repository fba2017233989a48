import { describe, expect, it } from "vitest";
import type { Comparison } from "../../../src/core/traffic.ts";
import { ComparisonBusy } from "../../../src/core/traffic.ts";
import { DeadlineExceeded } from "../../../src/core/deadline.ts";
import { shareComparison } from "../../../src/telemetry/traffic/share-comparison.ts";

const NOTHING: Comparison = {
  isolates: 0,
  kinds: [],
  rate: 1,
  from: undefined,
  to: undefined,
  sampledReads: 0,
  reads: 0,
  predictions: undefined,
};

/** A shared comparison whose runs end when the test says so. */
function createWorld(isLate: () => boolean = () => false) {
  let time = 0;
  const runs: { readonly kind: string; end(): void; fail(error: Error): void }[] = [];
  const kept: Promise<unknown>[] = [];
  const compare = shareComparison({
    compare: (kind) => {
      const { promise, resolve, reject } = Promise.withResolvers<Comparison>();
      runs.push({ kind, end: () => resolve({ ...NOTHING, kinds: [kind] }), fail: reject });
      return promise;
    },
    now: () => time,
    withTimeout: async (work, ms) => {
      if (!isLate()) return work;
      time += ms;
      throw new DeadlineExceeded(ms);
    },
    keepAlive: (work) => void kept.push(work),
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  return {
    compare,
    runs,
    kept,
    settle,
    kinds: () => runs.map(({ kind }) => kind),
    pass: (ms: number) => (time += ms),
  };
}

describe("shareComparison", () => {
  it("requests with equal settings share the comparison that runs, and a later request starts another", async () => {
    const { compare, runs, kept } = createWorld();
    const both = Promise.all([compare("product", [{}]), compare("product", [{}])]);
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    const [first, second] = await both;
    expect(second).toBe(first);
    expect(kept).toHaveLength(1);
    void compare("product", [{}]);
    expect(runs).toHaveLength(2);
  });

  it("comparisons with other settings run one at a time", async () => {
    const { compare, runs, kinds, settle } = createWorld();
    const all = Promise.all(["a", "b", "c", "b"].map((kind) => compare(kind, [{}])));
    await settle();
    expect(kinds()).toEqual(["a"]);
    runs[0]?.end();
    await settle();
    expect(kinds()).toEqual(["a", "b"]);
    runs[1]?.end();
    await settle();
    expect(kinds()).toEqual(["a", "b", "c"]);
    runs[2]?.end();
    expect((await all).map(({ kinds: [kind] }) => kind)).toEqual(["a", "b", "c", "b"]);
  });

  it("a comparison that fails rejects the requests that share it, and a request with other settings runs its own", async () => {
    const { compare, runs, settle } = createWorld();
    const shared = Promise.allSettled([compare("a", [{}]), compare("a", [{}])]);
    const other = compare("b", [{}]);
    runs[0]?.fail(new Error("no sketches"));
    expect((await shared).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await settle();
    runs[1]?.end();
    expect((await other).kinds).toEqual(["b"]);
  });

  it("a request that has waited for the longest time runs its own comparison, and later requests share that one", async () => {
    let isLate = true;
    const { compare, runs, settle } = createWorld(() => isLate);
    void compare("a", [{}]);
    const second = compare("a", [{}]);
    await settle();
    isLate = false;
    const third = compare("a", [{}]);
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    expect(await third).toBe(await second);
  });

  it("a request that has waited 30 s for the comparisons of other requests is refused, however many these were", async () => {
    const { compare, runs, settle, pass, kinds } = createWorld();
    const others = ["a", "b", "c", "d"].map((kind) => compare(kind, [{}]));
    const last = compare("last", [{}]);
    const refused = last.catch((error: unknown) => error);
    for (const [i] of others.entries()) {
      await settle();
      pass(10_000);
      runs[i]?.end();
    }
    expect(await refused).toBeInstanceOf(ComparisonBusy);
    expect(kinds()).not.toContain("last");
    expect((await Promise.allSettled(others)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
  });
});
