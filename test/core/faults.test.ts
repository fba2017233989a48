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

describe("the message of an error", () => {
  it("is one bounded line, whatever was thrown", () => {
    expect(messageOf(new Error("a\n  b\tc"))).toBe("a b c");
    expect(messageOf(new RangeError(""))).toBe("RangeError");
    expect(messageOf("text")).toBe("text");
    expect(messageOf(undefined)).toBe("undefined");
    expect(messageOf(new Error("x".repeat(1_000)))).toHaveLength(200);
  });
});

describe("the fault of a load", () => {
  it("is a timeout where the deadline has passed", () => {
    expect(originFaultOf(new DeadlineExceeded(50)).code).toBe("origin.timeout");
  });

  it("is the loader's own where its error carries one", () => {
    const own: Fault = fault("origin.saturated", "full", 2_000);
    expect(originFaultOf(new CacheUnavailable(own))).toBe(own);
  });

  it.each([
    new Error("no"),
    "no",
    null,
    { fault: 1 },
    Object.assign(new Error("no"), { fault: 1 }),
  ])("is that the origin is unavailable otherwise: %j", (error) => {
    expect(originFaultOf(error).code).toBe("origin.unavailable");
  });
});

describe("deferred work", () => {
  it("that fails raises a fault and never reaches the platform as a failure", async () => {
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
