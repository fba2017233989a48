import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeadlineExceeded } from "../../src/core/deadline.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";

describe("withTimeout", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const never = new Promise<never>(() => undefined);

  it("withTimeout() returns the value of a promise that resolves before the deadline, and leaves no timer", async () => {
    expect(await withTimeout(Promise.resolve("value"), 1_000)).toBe("value");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("withTimeout() rejects with the error of its promise, and leaves no timer", async () => {
    const error = new Error("no");
    await expect(withTimeout(Promise.reject(error), 1_000)).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("withTimeout() rejects with DeadlineExceeded at its deadline, not before", async () => {
    let ended = false;
    const wait = withTimeout(never, 1_000).catch((error: unknown) => {
      ended = true;
      return error;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await wait).toBeInstanceOf(DeadlineExceeded);
    expect(await wait).toMatchObject({
      name: "DeadlineExceeded",
      message: "no answer within 1000 ms",
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([0, -5])(
    "withTimeout() with a limit of %d ms returns the value of a promise that is already resolved",
    async (ms) => {
      expect(await withTimeout(Promise.resolve("value"), ms)).toBe("value");
      const late = withTimeout(never, ms).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(0);
      expect(await late).toBeInstanceOf(DeadlineExceeded);
    },
  );

  it("a promise that rejects after the deadline of withTimeout() causes no unhandled rejection", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = withTimeout(promise, 10).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    expect(await late).toBeInstanceOf(DeadlineExceeded);
    // The runner fails the file for an unhandled rejection.
    reject(new Error("long after"));
    await vi.advanceTimersByTimeAsync(10);
  });
});
