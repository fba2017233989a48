import { describe, expect, it, vi } from "vitest";
import type { Result } from "../../src/core/result.ts";
import { createBreakerWorld, OPEN, OPEN_MS, TIMEOUT_MS, WINDOW_MS } from "./breaker-world.ts";

describe("an open breaker", () => {
  it("a breaker lets one probe through after the open time, and closes when the probe is answered", async () => {
    const { call, hang, open, ok, advance, state } = createBreakerWorld();
    await open();
    advance(OPEN_MS);
    const probe = hang();
    expect(state()).toBe("half-open");
    expect(await call()).toMatchObject(OPEN);
    expect(ok).not.toHaveBeenCalled();
    probe.end();
    expect(await probe.result).toEqual({ ok: true, value: "late" });
    expect(state()).toBe("closed");
    expect(await call()).toMatchObject({ ok: true });
  });

  it("the open time doubles with each probe that fails, up to the longest open time", async () => {
    const { call, fail, open, advance, ok } = createBreakerWorld();
    await open();
    for (const openMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      advance(openMs - 1);
      expect(await call()).toMatchObject(OPEN);
      advance(1);
      await fail();
    }
    expect(ok).not.toHaveBeenCalled();
  });

  it("a breaker that opens again within a window after its recovery stays open for twice as long, and later for the first open time", async () => {
    const { call, open, advance } = createBreakerWorld();
    await open();
    advance(OPEN_MS);
    await call();
    await open();
    advance(2 * OPEN_MS - 1);
    expect(await call()).toMatchObject(OPEN);
    advance(1);
    await call();
    advance(WINDOW_MS);
    await open();
    advance(OPEN_MS);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("randomness shortens the open time by up to a half, so that isolates do not probe together", async () => {
    const { call, open, advance } = createBreakerWorld({ random: () => 0.999_999 });
    await open();
    advance(OPEN_MS / 2 - 1);
    expect(await call()).toMatchObject(OPEN);
    advance(2);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("a half-open breaker lets at most two probes through at once, half a second apart", async () => {
    const { hang, call, open, advance, ok } = createBreakerWorld();
    await open();
    advance(OPEN_MS);
    hang();
    advance(499);
    expect(await call()).toMatchObject(OPEN);
    advance(1);
    hang();
    advance(500);
    expect(await call()).toMatchObject(OPEN);
    expect(ok).not.toHaveBeenCalled();
  });

  it("probes that never end are forgotten after their time limit, so that the next probe can close the breaker", async () => {
    const { hang, call, open, advance, state } = createBreakerWorld();
    await open();
    advance(OPEN_MS);
    hang();
    advance(500);
    hang();
    advance(TIMEOUT_MS + 500);
    expect(await call()).toMatchObject({ ok: true });
    expect(state()).toBe("closed");
  });

  it("an open breaker lets a probe through at once after the clock has been set back by an hour", async () => {
    const { open, call, advance } = createBreakerWorld();
    await open();
    advance(-3_600_000);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("the late ends of calls that began before a change of state count neither as failures nor as answers", async () => {
    const { breaker, open, call, hang, advance, state } = createBreakerWorld();
    const late = Array.from({ length: 5 }, () => breaker.begin());
    const answered = hang();
    await open();
    answered.end();
    await answered.result;
    expect(state()).toBe("open");
    advance(OPEN_MS);
    await call();
    for (const one of late) if (one.ok) one.value.end("failed");
    expect(state()).toBe("closed");
  });
});

describe("a breaker with a probe of its own", () => {
  function withProbe() {
    const deferred: Promise<unknown>[] = [];
    const answer = vi.fn<() => Promise<Result<unknown>>>(async () => ({ ok: true, value: null }));
    const world = createBreakerWorld({ probe: answer });
    const defer = (work: Promise<unknown>): void => void deferred.push(work);
    return {
      ...world,
      answer,
      ask: () => world.breaker.run(world.ok, defer),
      settle: () => Promise.allSettled(deferred),
    };
  }

  it("a caller that must not wait is refused at once while the probe runs in the background, and is let through after it", async () => {
    const { open, advance, ask, ok, answer, settle } = withProbe();
    await open();
    advance(OPEN_MS);
    expect(await ask()).toMatchObject(OPEN);
    expect(ok).not.toHaveBeenCalled();
    await settle();
    expect(answer).toHaveBeenCalledTimes(1);
    expect(await ask()).toMatchObject({ ok: true });
  });

  it("a caller that may wait is the probe itself", async () => {
    const { open, advance, call, answer } = withProbe();
    await open();
    advance(OPEN_MS);
    expect(await call()).toMatchObject({ ok: true });
    expect(answer).not.toHaveBeenCalled();
  });

  it("a background probe that throws keeps the breaker open", async () => {
    const { open, advance, ask, answer, settle, state } = withProbe();
    answer.mockRejectedValueOnce(new Error("the socket broke"));
    await open();
    advance(OPEN_MS);
    await ask();
    await settle();
    expect(state()).toBe("open");
  });
});

describe("what a breaker reports", () => {
  it("a breaker reports one event for each change of state, with the rates of the window", async () => {
    const { open, advance, call, changes, breaker } = createBreakerWorld();
    await call();
    await open();
    expect(breaker.status()).toMatchObject({ state: "open", since: 50_000, failureRate: 0.75 });
    advance(OPEN_MS);
    await call();
    expect(changes).toEqual([
      {
        type: "breaker.change",
        name: "redis",
        from: "closed",
        to: "open",
        failureRate: 0.75,
        slowRate: 0,
      },
      expect.objectContaining({ from: "open", to: "half-open" }),
      expect.objectContaining({ from: "half-open", to: "closed" }),
    ]);
    expect(breaker.status()).toMatchObject({ state: "closed", since: 51_000, calls: 0 });
  });
});
