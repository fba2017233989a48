import { describe, expect, it } from "vitest";
import { done, failed } from "../../src/core/faults.ts";
import type { CallOutcome } from "../../src/core/origin-slots.ts";
import { createLoadSlot } from "../../src/engine/load-slot.ts";

/** A slot whose number of holders is counted. Waiting calls get a slot when the test says so. */
function setup() {
  const state = { held: 1, waiting: [] as ((gets: boolean) => void)[] };
  const outcomes: (CallOutcome | undefined)[] = [];
  const release = (outcome?: CallOutcome) => {
    state.held--;
    outcomes.push(outcome);
  };
  const slot = createLoadSlot(release, async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    state.waiting.push(resolve);
    if (!(await promise)) return failed("origin.saturated", "none");
    state.held++;
    return done(release);
  });
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  /** Answers the call that has waited longest. */
  const serve = async (gets = true) => {
    await turn();
    state.waiting.shift()?.(gets);
    await turn();
  };
  /** A read of the load that gives the slot back and waits. */
  function read() {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = slot.during(() => {
      slot.giveBack();
      return promise;
    });
    return { ended, end: resolve };
  }
  return { state, outcomes, slot, turn, serve, read };
}

describe("the origin slot of a load", () => {
  it("a load keeps its origin slot during a read that does not wait for a load", async () => {
    const { state, slot } = setup();
    expect(await slot.during(async () => "hit")).toBe("hit");
    expect(state).toEqual({ held: 1, waiting: [] });
  });

  it("a load is without its origin slot while a read of it waits, and takes a slot before the read returns", async () => {
    const { state, serve, read } = setup();
    const { ended, end } = read();
    expect(state.held).toBe(0);
    let returned = false;
    void ended.then(() => (returned = true));
    end();
    await serve();
    expect(returned).toBe(true);
    expect(state.held).toBe(1);
  });

  it("a load whose parallel reads wait takes one origin slot after the last of them", async () => {
    const { state, serve, read } = setup();
    const reads = [read(), read(), read()];
    reads[0]?.end();
    reads[1]?.end();
    await Promise.all([reads[0]?.ended, reads[1]?.ended]);
    expect(state).toMatchObject({ held: 0, waiting: [] });
    reads[2]?.end();
    await serve();
    await reads[2]?.ended;
    expect(state).toEqual({ held: 1, waiting: [] });
  });

  it("a load that begins a read while it waits for an origin slot does not keep the slot that arrives", async () => {
    const { state, turn, serve, read } = setup();
    const first = read();
    first.end();
    await turn();
    const second = read();
    await serve();
    expect(state.held).toBe(0);
    second.end();
    await serve();
    expect(state.held).toBe(1);
  });

  it("a load that ends while it waits for an origin slot does not keep the slot that arrives", async () => {
    const { state, slot, turn, serve, read } = setup();
    read().end();
    await turn();
    slot.end("good");
    await serve();
    expect(state).toEqual({ held: 0, waiting: [] });
  });

  it("the outcome of a load that kept its origin slot is reported, and the outcome of a load that gave its slot back meanwhile is not", async () => {
    const kept = setup();
    await kept.slot.during(async () => "hit");
    kept.slot.end("bad");
    expect(kept.outcomes).toEqual(["bad"]);
    const nested = setup();
    const { ended, end } = nested.read();
    end();
    await nested.serve();
    await ended;
    nested.slot.end("bad");
    expect(nested.outcomes).toEqual(["unknown", "unknown"]);
  });

  it("a load that gets no origin slot in time after a read continues without one", async () => {
    const { state, serve, read } = setup();
    const { ended, end } = read();
    end();
    await serve(false);
    await ended;
    expect(state).toEqual({ held: 0, waiting: [] });
  });

  it("work that a load does not wait for leaves the load its origin slot", () => {
    const { state, slot } = setup();
    slot.giveBack();
    expect(state.held).toBe(1);
  });
});
