/** How a read divides its time between the loads that it waits for. */
import { describe, expect, it } from "vitest";
import { definePolicy } from "../../src/index.ts";
import { beginRead } from "../../src/engine/lookup.ts";
import { afterWait, patienceOf, remainingForLoad } from "../../src/engine/lookup-request.ts";
import { createTestContext } from "../support/context.ts";

const STEPS_MS = 2_500;
const policy = definePolicy({ freshFor: "1m", originTimeout: "4s" });

function start() {
  let time = 10_000;
  const ctx = createTestContext({ now: () => time });
  const read = beginRead("product:1", policy, ctx, STEPS_MS);
  return {
    read,
    advance: (ms: number) => {
      time += ms;
      return time;
    },
  };
}

describe("the time of a read for loads", () => {
  it("a read that waits for no other load has the whole `originTimeout` for its own, also after slow steps", () => {
    const { read, advance } = start();
    advance(STEPS_MS);
    expect(remainingForLoad(read)).toBe(4_000);
  });

  it("a read waits for the loads of other readers for three quarters of its `originTimeout`, and keeps a quarter for its own load", () => {
    const { read, advance } = start();
    const waitedSince = read.startedAt;
    expect(patienceOf(read)).toBe(3_000);
    advance(3_000);
    const own = afterWait(read, waitedSince);
    expect(remainingForLoad(own)).toBe(1_000);
    expect(patienceOf(own)).toBe(0);
  });

  it("two waits of a read for other loads share one patience, so that the read ends within one `originTimeout` and its other steps", () => {
    const { read, advance } = start();
    const followed = afterWait(read, advance(2_000) - 2_000);
    expect(patienceOf(followed)).toBe(1_000);
    const joined = afterWait(followed, advance(1_000) - 1_000);
    expect(remainingForLoad(joined)).toBe(1_000);
  });

  it("a clock that is set back during a wait does not lengthen the time for loads", () => {
    const { read, advance } = start();
    const waitedSince = read.startedAt;
    advance(-60_000);
    const own = afterWait(read, waitedSince);
    expect(remainingForLoad(own)).toBe(4_000);
  });
});
