import { describe, expect, it, vi } from "vitest";
import type { BreakerChange } from "../../src/core/events.ts";
import { failed, type FaultCode } from "../../src/core/faults.ts";
import type { Result } from "../../src/core/result.ts";
import { createBreaker, type BreakerOptions } from "../../src/resilience/breaker.ts";

const OPEN_MS = 1_000;
const MAX_OPEN_MS = 5_000;
const WINDOW_MS = 10_000;
const TIMEOUT_MS = 1_000;
const SLOW_MS = 250;

function setup(options: Partial<BreakerOptions> = {}) {
  let time = 50_000;
  const changes: BreakerChange[] = [];
  const breaker = createBreaker({
    name: "redis",
    dependency: "redis",
    failures: 3,
    minCalls: 20,
    failureRate: 0.5,
    slowRate: 0.8,
    slowMs: SLOW_MS,
    windowMs: WINDOW_MS,
    openForMs: OPEN_MS,
    maxOpenForMs: MAX_OPEN_MS,
    callTimeoutMs: TIMEOUT_MS,
    now: () => time,
    random: () => 0,
    onChange: (change) => void changes.push(change),
    ...options,
  });
  const advance = (ms: number): void => {
    time += ms;
  };
  const ok = vi.fn<() => Promise<Result<string>>>(async () => ({ ok: true, value: "answer" }));
  const world = {
    breaker,
    changes,
    advance,
    ok,
    call: () => breaker.run(ok),
    /** A call that takes `ms` milliseconds. */
    take: (ms: number) =>
      breaker.run(async () => {
        advance(ms);
        return ok();
      }),
    fail: (code: FaultCode = "redis.timeout") => breaker.run(async () => failed(code, "no")),
    async open() {
      for (let i = 0; i < 3; i++) await world.fail();
    },
    /** Starts a call that does not end before `end` is called. */
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<Result<string>>();
      const result = breaker.run(() => promise);
      return { result, end: () => resolve({ ok: true, value: "late" }) };
    },
    state: () => breaker.status().state,
  };
  return world;
}

const OPEN = { ok: false, fault: { code: "redis.open" } };

describe("a closed breaker", () => {
  it("a closed breaker returns the result of each call unchanged", async () => {
    const { call, fail } = setup();
    expect(await call()).toEqual({ ok: true, value: "answer" });
    expect(await fail()).toEqual({ ok: false, fault: { code: "redis.timeout", message: "no" } });
  });

  it("after the configured number of failures in a row, a breaker refuses calls with the fault `redis.open` and says when to try again", async () => {
    const { call, open, ok, advance } = setup();
    await open();
    advance(OPEN_MS - 1);
    expect(await call()).toMatchObject({ fault: { code: "redis.open", retryAfterMs: 1 } });
    expect(ok).not.toHaveBeenCalled();
  });

  it("a successful call resets a breaker's count of failures in a row", async () => {
    const { call, fail, ok } = setup();
    for (let i = 0; i < 5; i++) {
      await fail();
      await fail();
      await call();
      await call();
      await call();
    }
    expect(ok).toHaveBeenCalledTimes(15);
  });

  it("calls that the dependency rejected, and mistakes of the program, never open a breaker", async () => {
    const { call, fail, state } = setup();
    for (let i = 0; i < 50; i++) await fail(i % 2 === 0 ? "redis.rejected" : "redis.corrupt");
    expect(await call()).toMatchObject({ ok: true });
    expect(state()).toBe("closed");
  });

  it("a call that throws is no failure for the breaker, and the error reaches the caller", async () => {
    const { breaker, state } = setup();
    for (let i = 0; i < 10; i++)
      await expect(
        breaker.run(() => Promise.reject(new TypeError("a mistake"))),
      ).rejects.toThrow("a mistake");
    expect(state()).toBe("closed");
  });

  it("a breaker opens when half of the calls of the newest parts of the window failed, although no three failed in a row", async () => {
    const { call, fail, state } = setup();
    for (let i = 0; i < 9; i++) {
      await fail();
      await call();
    }
    expect(state()).toBe("closed");
    await call();
    await fail();
    expect(state()).toBe("open");
  });

  it("a breaker opens within 20 failed calls after ten seconds of 100 successful calls each", async () => {
    const { call, fail, advance, state } = setup({ failures: 1_000 });
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 100; i++) await call();
      advance(1_000);
    }
    // No call ends in the second before the first time-out.
    advance(1_000);
    for (let i = 0; i < 20; i++) await fail();
    expect(state()).toBe("open");
  });

  it("a third of failed calls in a busy window does not open a breaker", async () => {
    const { call, fail, advance, state } = setup({ failures: 1_000 });
    for (let i = 0; i < 3_000; i++) {
      await (i % 3 === 0 ? fail() : call());
      advance(10);
    }
    expect(state()).toBe("closed");
  });

  it("failures that are older than the window do not count", async () => {
    const { call, fail, advance, state } = setup({ failures: 1_000 });
    for (let i = 0; i < 19; i++) await fail();
    advance(WINDOW_MS + 1_000);
    await call();
    expect(state()).toBe("closed");
    expect(setup().breaker.status()).toMatchObject({ calls: 0, failureRate: 0, slowRate: 0 });
  });
});

describe("slow calls", () => {
  it("three slow calls one after another open a breaker with a slow rate", async () => {
    const { take, state } = setup();
    await take(SLOW_MS);
    await take(SLOW_MS);
    expect(state()).toBe("closed");
    await take(SLOW_MS);
    expect(state()).toBe("open");
  });

  it("ten slow calls side by side are one sign of a slow dependency, and do not open a breaker", async () => {
    const { hang, advance, state, breaker } = setup();
    const calls = Array.from({ length: 10 }, hang);
    advance(SLOW_MS);
    for (const one of calls) one.end();
    await Promise.all(calls.map(({ result }) => result));
    expect(state()).toBe("closed");
    expect(breaker.status()).toMatchObject({ calls: 10, slowRate: 1, failureRate: 0 });
  });

  it("80 % slow calls in the window open a breaker with a slow rate", async () => {
    const { take, state } = setup({ windowMs: 60_000 });
    for (let i = 0; i < 40 && state() === "closed"; i++) await take(i % 5 === 4 ? 1 : SLOW_MS);
    expect(state()).toBe("open");
  });

  it("a breaker without a slow rate counts slow calls and does not open for them", async () => {
    const { take, state, breaker } = setup({ slowRate: undefined, windowMs: 600_000 });
    for (let i = 0; i < 40; i++) await take(SLOW_MS);
    expect(state()).toBe("closed");
    expect(breaker.status()).toMatchObject({ calls: 40, slowRate: 1, failureRate: 0 });
  });

  it("a successful call that seems to have taken far longer than its time limit is not slow, since the clock was set", async () => {
    const { take, state } = setup();
    for (let i = 0; i < 10; i++) await take(3_600_000);
    expect(state()).toBe("closed");
  });

  it("a slow probe keeps a breaker with a slow rate open", async () => {
    const { open, take, advance, state } = setup();
    await open();
    advance(OPEN_MS);
    await take(SLOW_MS);
    expect(state()).toBe("open");
  });
});

describe("an open breaker", () => {
  it("a breaker lets one probe through after the open time, and closes when the probe is answered", async () => {
    const { call, hang, open, ok, advance, state } = setup();
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
    const { call, fail, open, advance, ok } = setup();
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
    const { call, open, advance } = setup();
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
    const { call, open, advance } = setup({ random: () => 0.999_999 });
    await open();
    advance(OPEN_MS / 2 - 1);
    expect(await call()).toMatchObject(OPEN);
    advance(2);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("a half-open breaker lets at most two probes through at once, half a second apart", async () => {
    const { hang, call, open, advance, ok } = setup();
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
    const { hang, call, open, advance, state } = setup();
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
    const { open, call, advance } = setup();
    await open();
    advance(-3_600_000);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("the late ends of calls that began before a change of state count neither as failures nor as answers", async () => {
    const { breaker, open, call, hang, advance, state } = setup();
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
    const world = setup({ probe: answer });
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
    const { open, advance, call, changes, breaker } = setup();
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
