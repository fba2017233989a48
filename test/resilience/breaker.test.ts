import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { failed, type FaultCode } from "../../src/core/faults.ts";
import type { Result } from "../../src/core/result.ts";
import { createBreaker } from "../../src/resilience/breaker.ts";

const FAILURES = 3;
const OPEN_MS = 1_000;

function setup() {
  let time = 5_000;
  const now = (): number => time;
  const breaker = createBreaker({ dependency: "redis", failures: FAILURES, openMs: OPEN_MS });
  const ok = vi.fn<() => Promise<{ ok: true; value: string }>>(async () => ({
    ok: true as const,
    value: "answer",
  }));
  const fail = (code: FaultCode = "redis.timeout") =>
    breaker.run(now, async () => failed(code, "no"));
  return {
    breaker,
    now,
    ok,
    fail,
    call: () => breaker.run(now, ok),
    async open() {
      for (let i = 0; i < FAILURES; i++) await fail();
    },
    advance: (ms: number) => {
      time += ms;
    },
  };
}

describe("a breaker", () => {
  it("an open breaker lets a call through after the clock has been set back by an hour", async () => {
    const { open, call, advance } = setup();
    await open();
    advance(-3_600_000);
    expect((await call()).ok).toBe(true);
  });

  it("a closed breaker returns the result of each call unchanged", async () => {
    const { call, fail } = setup();
    expect(await call()).toEqual({ ok: true, value: "answer" });
    expect(await fail()).toEqual({ ok: false, fault: { code: "redis.timeout", message: "no" } });
  });

  it("after 3 failures in a row, a breaker returns the error code `redis.open` and does not call the dependency", async () => {
    const { call, open, ok, advance } = setup();
    await open();
    advance(OPEN_MS - 1);
    expect(await call()).toMatchObject({ ok: false, fault: { code: "redis.open" } });
    expect(ok).not.toHaveBeenCalled();
  });

  it("a successful call resets a breaker's count of failures in a row", async () => {
    const { call, fail, ok } = setup();
    for (let i = 0; i < 10; i++) {
      for (let failure = 1; failure < FAILURES; failure++) await fail();
      expect(await call()).toMatchObject({ ok: true });
    }
    expect(ok).toHaveBeenCalledTimes(10);
  });

  it("a breaker counts a call that the dependency rejected as a success, and not as a failure", async () => {
    const { call, fail } = setup();
    for (let i = 0; i < 10; i++) await fail("redis.rejected");
    expect(await call()).toMatchObject({ ok: true });
    await fail();
    await fail();
    await fail("redis.rejected");
    await fail();
    await fail();
    expect(await call()).toMatchObject({ ok: true });
  });

  it("after the time in the option `openMs`, an open breaker lets one call through, and rejects all other calls until this call has ended", async () => {
    const { breaker, now, call, open, ok, advance } = setup();
    await open();
    advance(OPEN_MS);
    const { promise, resolve } = Promise.withResolvers<Result<string>>();
    const probe = breaker.run(now, () => promise);
    expect(await call()).toMatchObject({ fault: { code: "redis.open" } });
    expect(await call()).toMatchObject({ fault: { code: "redis.open" } });
    expect(ok).not.toHaveBeenCalled();

    resolve({ ok: true, value: "alive" });
    expect(await probe).toEqual({ ok: true, value: "alive" });
    expect(await call()).toMatchObject({ ok: true });
    expect(await call()).toMatchObject({ ok: true });
  });

  it("if the one call that an open breaker let through fails, the breaker stays open for the time in the option `openMs` once more", async () => {
    const { call, fail, open, ok, advance } = setup();
    await open();
    advance(OPEN_MS);
    await fail();
    advance(OPEN_MS - 1);
    expect(await call()).toMatchObject({ fault: { code: "redis.open" } });
    advance(1);
    expect(await call()).toMatchObject({ ok: true });
    expect(ok).toHaveBeenCalledTimes(1);
  });

  it("if the one call that an open breaker let through never returns, the breaker lets another one through after the time in the option `openMs`", async () => {
    const { breaker, now, call, open, advance } = setup();
    await open();
    advance(OPEN_MS);
    void breaker.run(now, () => new Promise<never>(() => undefined));
    advance(OPEN_MS);
    expect(await call()).toMatchObject({ ok: true });
  });

  it("an open breaker calls a dependency that always fails at most once in the time in the option `openMs`", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 400 }), { maxLength: 60 }), async (pauses) => {
        const { breaker, now, open, advance } = setup();
        await open();
        let lastCall = now();
        for (const pause of pauses) {
          advance(pause);
          await breaker.run(now, async () => {
            expect(now() - lastCall).toBeGreaterThanOrEqual(OPEN_MS);
            lastCall = now();
            return failed("redis.unavailable", "dead");
          });
        }
        // It does probe: a breaker does not stay open for ever.
        if (now() - 5_000 >= OPEN_MS + 400) expect(lastCall).toBeGreaterThan(5_000);
      }),
    );
  });
});
