import { describe, expect, it } from "vitest";
import { DeadlineExceeded } from "../../src/core/deadline.ts";
import { createBreakerWorld, OPEN, OPEN_MS, SLOW_MS, WINDOW_MS } from "./breaker-world.ts";

describe("a closed breaker", () => {
  it("a closed breaker returns the result of each call unchanged", async () => {
    const { call, fail } = createBreakerWorld();
    expect(await call()).toEqual({ ok: true, value: "answer" });
    expect(await fail()).toEqual({ ok: false, fault: { code: "redis.timeout", message: "no" } });
  });

  it("after the configured number of failures in a row, a breaker refuses calls with the fault `redis.open` and says when to try again", async () => {
    const { call, open, ok, advance } = createBreakerWorld();
    await open();
    advance(OPEN_MS - 1);
    expect(await call()).toMatchObject({ fault: { code: "redis.open", retryAfterMs: 1 } });
    expect(ok).not.toHaveBeenCalled();
  });

  it("a successful call resets a breaker's count of failures in a row", async () => {
    const { call, fail, ok } = createBreakerWorld();
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
    const { call, fail, state } = createBreakerWorld();
    for (let i = 0; i < 50; i++) await fail(i % 2 === 0 ? "redis.rejected" : "redis.corrupt");
    expect(await call()).toMatchObject({ ok: true });
    expect(state()).toBe("closed");
  });

  it("a call that throws is no failure for the breaker, and the error reaches the caller", async () => {
    const { breaker, state } = createBreakerWorld();
    for (let i = 0; i < 10; i++)
      await expect(breaker.run(() => Promise.reject(new TypeError("a mistake")))).rejects.toThrow(
        "a mistake",
      );
    expect(state()).toBe("closed");
  });

  it("a breaker opens when half of the calls of the newest parts of the window failed, although no three failed in a row", async () => {
    const { call, fail, state } = createBreakerWorld();
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
    const { call, fail, advance, state } = createBreakerWorld({ failures: 1_000 });
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
    const { call, fail, advance, state } = createBreakerWorld({ failures: 1_000 });
    for (let i = 0; i < 3_000; i++) {
      await (i % 3 === 0 ? fail() : call());
      advance(10);
    }
    expect(state()).toBe("closed");
  });

  it("failures that are older than the window do not count", async () => {
    const { call, fail, advance, state } = createBreakerWorld({ failures: 1_000 });
    for (let i = 0; i < 19; i++) await fail();
    advance(WINDOW_MS + 1_000);
    await call();
    expect(state()).toBe("closed");
    expect(createBreakerWorld().breaker.status()).toMatchObject({
      calls: 0,
      failureRate: 0,
      slowRate: 0,
    });
  });
});

describe("slow calls", () => {
  it("three slow calls one after another open a breaker with a slow rate", async () => {
    const { take, state } = createBreakerWorld();
    await take(SLOW_MS);
    await take(SLOW_MS);
    expect(state()).toBe("closed");
    await take(SLOW_MS);
    expect(state()).toBe("open");
  });

  it("ten slow calls side by side are one sign of a slow dependency, and do not open a breaker", async () => {
    const { hang, advance, state, breaker } = createBreakerWorld();
    const calls = Array.from({ length: 10 }, hang);
    advance(SLOW_MS);
    for (const one of calls) one.end();
    await Promise.all(calls.map(({ result }) => result));
    expect(state()).toBe("closed");
    expect(breaker.status()).toMatchObject({ calls: 10, slowRate: 1, failureRate: 0 });
  });

  it("80 % slow calls in the window open a breaker with a slow rate", async () => {
    const { take, state } = createBreakerWorld({ windowMs: 60_000 });
    for (let i = 0; i < 40 && state() === "closed"; i++) await take(i % 5 === 4 ? 1 : SLOW_MS);
    expect(state()).toBe("open");
  });

  it("a breaker without a slow rate counts slow calls and does not open for them", async () => {
    const { take, state, breaker } = createBreakerWorld({ slowRate: undefined, windowMs: 600_000 });
    for (let i = 0; i < 40; i++) await take(SLOW_MS);
    expect(state()).toBe("closed");
    expect(breaker.status()).toMatchObject({ calls: 40, slowRate: 1, failureRate: 0 });
  });

  it("a successful call that seems to have taken far longer than its time limit is not slow, since the clock was set", async () => {
    const { take, state } = createBreakerWorld();
    for (let i = 0; i < 10; i++) await take(3_600_000);
    expect(state()).toBe("closed");
  });

  it("a slow probe keeps a breaker with a slow rate open", async () => {
    const { open, take, advance, state } = createBreakerWorld();
    await open();
    advance(OPEN_MS);
    await take(SLOW_MS);
    expect(state()).toBe("open");
  });
});

describe("a reader whose call has become slow, with a slow rate", () => {
  /** Time limits pass when a test calls `pass`. */
  function createReaders() {
    const waits: (() => void)[] = [];
    const deferred: Promise<unknown>[] = [];
    const world = createBreakerWorld({
      withTimeout(work, ms) {
        expect(ms).toBe(SLOW_MS);
        const passed = new Promise<never>((_, reject) => {
          waits.push(() => reject(new DeadlineExceeded(ms)));
        });
        return Promise.race([work, passed]);
      },
    });
    const defer = (work: Promise<unknown>): void => void deferred.push(work);
    return {
      ...world,
      waits,
      deferred,
      readers: () => world.hang(defer),
      pass: () => {
        world.advance(SLOW_MS);
        for (const pass of waits) pass();
      },
    };
  }

  it("a reader of a third call in a row that has become slow is refused before that call ends, and the breaker opens", async () => {
    const { take, readers, pass, state, deferred, changes } = createReaders();
    await take(SLOW_MS);
    await take(SLOW_MS);
    const third = readers();
    pass();
    expect(await third.result).toMatchObject(OPEN);
    expect(state()).toBe("open");
    expect(changes).toMatchObject([{ from: "closed", to: "open", slowRate: 1 }]);
    expect(deferred).toHaveLength(1);
    third.end();
    await Promise.all(deferred);
    expect(state()).toBe("open");
  });

  it("a reader of a first or second slow call waits for the end of that call", async () => {
    const { readers, pass, waits, state } = createReaders();
    for (let slow = 0; slow < 2; slow++) {
      const call = readers();
      pass();
      expect(waits).toHaveLength(0);
      call.end();
      expect(await call.result).toEqual({ ok: true, value: "late" });
    }
    expect(state()).toBe("closed");
  });

  it("a reader of a third slow call waits for its end if another call was fast meanwhile", async () => {
    const { take, call, readers, pass, state } = createReaders();
    await take(SLOW_MS);
    await take(SLOW_MS);
    const third = readers();
    await call();
    pass();
    third.end();
    expect(await third.result).toEqual({ ok: true, value: "late" });
    expect(state()).toBe("closed");
  });

  it("readers of calls side by side are all refused once one of the calls has opened the breaker", async () => {
    const { take, readers, pass, changes } = createReaders();
    await take(SLOW_MS);
    await take(SLOW_MS);
    const calls = Array.from({ length: 10 }, readers);
    pass();
    for (const { result } of calls) expect(await result).toMatchObject(OPEN);
    expect(changes).toHaveLength(1);
  });

  it("a call for which no reader waits gets its own answer, however slow it is", async () => {
    const { take, hang, pass, waits, state } = createReaders();
    await take(SLOW_MS);
    await take(SLOW_MS);
    const third = hang();
    pass();
    expect(waits).toHaveLength(0);
    third.end();
    expect(await third.result).toEqual({ ok: true, value: "late" });
    expect(state()).toBe("open");
  });
});
