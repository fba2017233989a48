import { describe, expect, it } from "vitest";
import {
  CacheUnavailable,
  fault,
  messageOf,
  originFaultOf,
  type Fault,
} from "../../src/core/faults.ts";
import { createContext } from "../../src/core/context.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { DeadlineExceeded } from "../../src/core/deadline.ts";

describe("messageOf", () => {
  it("messageOf() returns one line of at most 200 characters for any thrown value", () => {
    expect(messageOf(new Error("a\n  b\tc"))).toBe("a b c");
    expect(messageOf(new RangeError(""))).toBe("RangeError");
    expect(messageOf("text")).toBe("text");
    expect(messageOf(undefined)).toBe("undefined");
    expect(messageOf(new Error("x".repeat(1_000)))).toHaveLength(200);
  });
});

describe("originFaultOf", () => {
  it("originFaultOf() gives a load that exceeded its deadline the error code `origin.timeout`", () => {
    expect(originFaultOf(new DeadlineExceeded(50)).code).toBe("origin.timeout");
  });

  it("originFaultOf() keeps the error code and all details of a loader error that already carries a fault", () => {
    const own: Fault = fault("origin.saturated", "full", 2_000);
    expect(originFaultOf(new CacheUnavailable(own))).toBe(own);
  });

  it.each([
    new Error("no"),
    "no",
    null,
    { fault: 1 },
    Object.assign(new Error("no"), { fault: 1 }),
  ])(
    "the loader error %j, which has no error code, gets the error code `origin.unavailable`",
    (error) => {
      expect(originFaultOf(error).code).toBe("origin.unavailable");
    },
  );
});

describe("Context.defer", () => {
  it("work that fails after ctx.defer() emits an event with the error code `background.failed`, and the platform sees no rejection", async () => {
    const events: CacheEvent[] = [];
    const deferred: Promise<unknown>[] = [];
    const ctx = createContext({
      now: () => 0,
      host: "h",
      region: "eu",
      waitUntil: (work) => void deferred.push(work),
      emit: (event) => void events.push(event),
    });

    ctx.defer(Promise.reject(new Error("late")));
    await Promise.all(deferred);

    expect(events).toEqual([{ type: "fault.raise", fault: fault("background.failed", "late") }]);
  });
});
