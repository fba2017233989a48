import { describe, expect, it, vi } from "vitest";
import { createHealthCheck, type Answering } from "../../src/api/health-check.ts";
import { createTestContext } from "../support/context.ts";

const UP: Answering = { database: true, redis: true };

function contextAt(clock: { at: number }) {
  return { ...createTestContext(), now: () => clock.at };
}

describe("createHealthCheck", () => {
  it("all health requests within one second share one check of the dependencies", async () => {
    const clock = { at: 1_000 };
    const ask = vi.fn<() => Promise<Answering>>(async () => UP);
    const check = createHealthCheck(ask);
    const asked = [];
    for (const at of [1_000, 1_000, 1_500, 1_999, 2_000, 2_999, 3_000]) {
      clock.at = at;
      expect(await check(contextAt(clock))).toEqual(UP);
      asked.push(ask.mock.calls.length);
    }
    expect(asked).toEqual([1, 1, 1, 1, 2, 2, 3]);
  });

  it("a health request checks the dependencies again after the clock was set back", async () => {
    const clock = { at: 10_000 };
    const ask = vi.fn<() => Promise<Answering>>(async () => UP);
    const check = createHealthCheck(ask);
    await check(contextAt(clock));
    clock.at = 5_000;
    await check(contextAt(clock));
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it("a health check that never finishes does not block a later check of the dependencies", async () => {
    const clock = { at: 0 };
    const ask = vi
      .fn<() => Promise<Answering>>()
      .mockReturnValueOnce(new Promise(() => undefined))
      .mockResolvedValue(UP);
    const check = createHealthCheck(ask);
    void check({ ...contextAt(clock), defer: () => undefined });
    clock.at = 1_000;
    expect(await check(contextAt(clock))).toEqual(UP);
  });

  it("a health check that does not finish within 10 s reports the database and Redis as unavailable", async () => {
    vi.useFakeTimers();
    try {
      const check = createHealthCheck(() => new Promise(() => undefined));
      const result = check({ ...contextAt({ at: 0 }), defer: () => undefined });
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await result).toEqual({ database: false, redis: false });
    } finally {
      vi.useRealTimers();
    }
  });
});
