import { describe, expect, it } from "vitest";
import { createContext } from "../../src/core/context.ts";
import type { DegradationLevel } from "../../src/core/degradation-level.ts";
import type { Pin } from "../../src/core/degradation.ts";
import type { CacheEvent } from "../../src/core/events.ts";
import { done } from "../../src/core/faults.ts";
import { createDegradation } from "../../src/resilience/degradation.ts";
import { createVirtualTime } from "./virtual-time.ts";

const nothingDelivered = () => ({ state: "unknown", since: 0 }) as const;

/** Dependencies that a test controls, in virtual time. */
function createWorld() {
  const time = createVirtualTime();
  const broken = {
    sql: false,
    redis: false,
    flight: false,
    log: false,
    limiter: false,
    session: false,
    http: false,
    model: false,
  };
  const answers: { sql: () => Promise<"ok" | "failed">; redis: () => Promise<"ok" | "failed"> } = {
    sql: async () => "ok",
    redis: async () => "ok",
  };
  const asked = { sql: 0, redis: 0 };
  let pin: Pin | undefined;
  const events: CacheEvent[] = [];
  const ctx = createContext({
    now: time.now,
    host: "strata.test",
    region: "test",
    waitUntil: (work) => void work,
    emit: (event) => void events.push(event),
  });
  const degradation = createDegradation({
    watched: {
      sql: {
        isBroken: () => broken.sql,
        ask: () => {
          asked.sql++;
          return answers.sql();
        },
      },
      redis: {
        isBroken: () => broken.redis,
        ask: () => {
          asked.redis++;
          return answers.redis();
        },
      },
      flight: { isBroken: () => broken.flight },
      log: { isBroken: () => broken.log },
      limiter: { isBroken: () => broken.limiter },
      session: { isBroken: () => broken.session },
      http: { isBroken: () => broken.http },
      model: { isBroken: () => broken.model },
    },
    pins: {
      known: (at) => (pin !== undefined && pin.until > at ? pin : undefined),
      refresh: async () => undefined,
      set: async (next) => {
        pin = next;
        return done(undefined);
      },
    },
    deliveries: { queue: nothingDelivered, telemetry: nothingDelivered },
    withTimeout: time.withTimeout,
    sleep: time.sleep,
    emit: ctx.emit,
  });
  /** Asks once a second for some seconds, as a monitoring system does. Returns the levels. */
  async function reportFor(seconds: number): Promise<readonly DegradationLevel[]> {
    const levels: DegradationLevel[] = [];
    for (let second = 0; second < seconds; second++) {
      void degradation.report(ctx).then(({ level }) => levels.push(level));
      await time.run(1_000);
    }
    return levels;
  }
  return { time, broken, answers, asked, ctx, events, degradation, reportFor };
}

const changes = (events: readonly CacheEvent[]) =>
  events.flatMap((event) =>
    event.type === "level.change" ? [[event.from, event.to, event.cause]] : [],
  );

describe("the level of service", () => {
  it("an isolate whose dependencies work has the level normal, and a request for the level makes no check", async () => {
    const { degradation, ctx, asked, time, events } = createWorld();
    expect(await degradation.level(ctx)).toBe("normal");
    await time.run();
    expect(asked).toEqual({ sql: 0, redis: 0 });
    expect(changes(events)).toEqual([]);
  });

  it.each([
    ["redis", "degraded"],
    ["flight", "degraded"],
    ["limiter", "degraded"],
    ["sql", "minimal"],
  ] as const)(
    "an isolate whose breaker of %s is open for 30 s has the level %s, and changes the level once each way",
    async (dependency, level) => {
      const { broken, events, reportFor } = createWorld();
      await reportFor(3);
      broken[dependency] = true;
      const during = await reportFor(30);
      expect(new Set(during)).toEqual(new Set([level]));
      broken[dependency] = false;
      const after = await reportFor(10);
      expect(after.slice(4)).toEqual(Array.from({ length: 6 }, () => "normal"));
      expect(changes(events)).toEqual([
        ["normal", level, `${dependency} down`],
        [level, "normal", "recovered"],
      ]);
    },
  );

  it.each([
    ["refuses", async () => "failed" as const],
    ["does not answer", () => new Promise<never>(() => undefined)],
  ])(
    "a monitoring system learns within 5 s that the origin %s, and within 5 s that it works again",
    async (_case, answer) => {
      const { answers, reportFor, time } = createWorld();
      await reportFor(3);
      answers.sql = answer;
      expect((await reportFor(6)).slice(5)).toEqual(["minimal"]);
      await reportFor(20);
      answers.sql = async () => "ok";
      // The checks that hang end with their time limit.
      await time.run(4_000);
      expect((await reportFor(6)).slice(5)).toEqual(["normal"]);
    },
  );

  it("an origin that answers after 3 s is slow, which makes the level degraded within 5 s and never minimal", async () => {
    const { answers, reportFor, time } = createWorld();
    await reportFor(3);
    answers.sql = async () => {
      await time.sleep(3_000);
      return "ok";
    };
    const levels = await reportFor(20);
    expect(levels.slice(5)).toEqual(Array.from({ length: 15 }, () => "degraded"));
    expect(levels).not.toContain("minimal");
  });

  it("a report takes at most 80 ms, also in a new isolate whose dependencies do not answer", async () => {
    const { degradation, ctx, answers, time } = createWorld();
    answers.sql = () => new Promise<never>(() => undefined);
    answers.redis = () => new Promise<never>(() => undefined);
    const took: number[] = [];
    for (let i = 0; i < 20; i++) {
      const began = time.now();
      void degradation.report(ctx).then(() => took.push(time.now() - began));
      await time.run(500);
    }
    expect(took).toHaveLength(20);
    expect(Math.max(...took)).toBeLessThanOrEqual(80);
  });

  it("the reports of one second share one check of each dependency", async () => {
    const { degradation, ctx, asked, time } = createWorld();
    const counts = [];
    for (const ms of [0, 1, 499, 499, 2, 998, 2]) {
      await time.run(ms);
      void degradation.report(ctx);
      await time.run(0);
      counts.push(asked.sql);
    }
    expect(counts).toEqual([1, 1, 1, 1, 2, 2, 3]);
  });

  it("a check whose request was ended does not block later checks", async () => {
    const { degradation, ctx, answers, asked, time, reportFor } = createWorld();
    answers.sql = () => new Promise<never>(() => undefined);
    void degradation.report(ctx);
    await time.run(100);
    answers.sql = async () => "ok";
    await reportFor(12);
    expect(asked.sql).toBeGreaterThan(5);
    expect(degradation.known(time.now()).dependencies.sql.state).toBe("up");
  });

  it("a pinned level replaces the measured level until the pin expires", async () => {
    const { degradation, ctx, broken, time } = createWorld();
    await degradation.pin({ level: "minimal", until: time.now() + 60_000 }, ctx);
    expect(await degradation.level(ctx)).toBe("minimal");
    await degradation.pin({ level: "normal", until: time.now() + 60_000 }, ctx);
    broken.sql = true;
    expect(degradation.known(time.now())).toMatchObject({ level: "normal", measured: "minimal" });
    await time.run(60_000);
    expect(degradation.known(time.now()).level).toBe("minimal");
  });
});
