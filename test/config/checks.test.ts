import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { ConfigError, createStrata, type Bindings, type StrataOptions } from "../../src/index.ts";

const bindings = env as unknown as Bindings;

function problemsOf(options: unknown, variables: Bindings = bindings): readonly string[] {
  try {
    readConfig(variables, options as StrataOptions);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("the options of createStrata", () => {
  it("createStrata() without options has the documented defaults", () => {
    expect(readConfig(bindings).settings).toEqual({
      memory: {
        maxBytes: 33_554_432,
        maxEntries: 20_000,
        maxEntryBytes: 4_194_304,
        eviction: "sieve",
      },
      edge: { timeoutMs: 500, maxEntryChars: 8_388_608 },
      redis: {
        timeoutMs: 1_000,
        maxEntryChars: 1_048_576,
        packFromChars: 16_384,
        oversize: "refuse",
      },
      origin: { slots: 64, slotWaitMs: 450, totalSlots: 0, freeSlots: 4, sqlTimeoutMs: 5_000 },
      proxy: { slots: 128, slotWaitMs: 1_000, maxBytesInFlight: 16 * 2 ** 20 },
      flights: { shards: 16, grantTimeoutMs: 1_000, slackMs: 1_000 },
      sessions: {
        idleMs: 3_600_000,
        absoluteMs: 86_400_000,
        maxPerUser: 20,
        timeoutMs: 1_000,
      },
      breaker: {
        failures: 3,
        originFailures: 10,
        windowMs: 10_000,
        minCalls: 20,
        failureRate: 0.5,
        slowRate: 0.8,
        slowRedisMs: 250,
        openForMs: 1_000,
        maxOpenForMs: 5_000,
      },
      limits: { timeoutMs: 1_000, maxAccounts: 10_000 },
      headers: { rateLimit: "both", cacheStatus: "both", timing: true, trace: true },
      telemetry: { flushEveryMs: 2_000 },
      metrics: { shards: 4, timeoutMs: 5_000 },
      existence: {
        falsePositiveRate: 0.01,
        coherenceMs: 1_000,
        rebuildEveryMs: 300_000,
        maxAgeMs: 3_600_000,
        reloadEveryMs: 60_000,
      },
      outbox: { verifyAfterMs: 5_000, originLagMs: 0, alarmTimeoutMs: 5_000 },
      queue: { timeoutMs: 5_000, maxAttempts: 5, retryAfterMs: 5_000 },
      log: {
        keepForMs: 604_800_000,
        trimSlackMs: 3_600_000,
        maxKeys: 100_000,
        shares: "auto",
        groups: "off",
      },
      answers: {
        firstPieceTimeoutMs: 20_000,
        timeoutMs: 120_000,
        maxChars: 262_144,
        maxCalls: 64,
        maxStreams: 1_000,
      },
    });
  });

  it("an option of createStrata() replaces its own default and no other default", () => {
    const { settings } = readConfig(bindings, { redis: { timeout: "250ms" } });
    expect(settings.redis).toEqual({ ...readConfig(bindings).settings.redis, timeoutMs: 250 });
    expect(settings.memory).toEqual(readConfig(bindings).settings.memory);
  });

  it("an option of createStrata() with the value `undefined` gets its default value", () => {
    const options = { redis: { timeout: undefined }, memory: undefined };
    expect(problemsOf(options)).toEqual([]);
  });

  it("a duration option of createStrata() is milliseconds or a text such as `0.5s`, and is rounded up to whole milliseconds", () => {
    for (const [timeout, ms] of [
      [250, 250],
      ["250ms", 250],
      ["0.5s", 500],
      [0.2, 1],
    ] as const)
      expect(readConfig(bindings, { edge: { timeout } }).settings.edge.timeoutMs).toBe(ms);
  });

  it.each([
    [{ memory: { maxBytes: 0 } }, "memory.maxBytes: must be a whole number from 1 to 134217728"],
    [{ memory: { maxBytes: 1.5 } }, "memory.maxBytes: must be a whole number from 1 to 134217728"],
    [
      { answers: { maxChars: 524_289 } },
      "answers.maxChars: must be a whole number from 1000 to 524288",
    ],
    [
      { memory: { eviction: "newest" } },
      "memory.eviction: must be one of sieve, lru, lfu, fifo, random, ttl",
    ],
    [
      { redis: { timeout: "soon" } },
      'redis.timeout: must be a duration from 1 ms to 60000 ms, such as "5m" or 250',
    ],
    [
      { redis: { timeout: 0 } },
      'redis.timeout: must be a duration from 1 ms to 60000 ms, such as "5m" or 250',
    ],
    [
      { existence: { falsePositiveRate: Number.NaN } },
      "existence.falsePositiveRate: must be a number from 0.0001 to 0.5",
    ],
    [{ headers: { rateLimit: "none" } }, "headers.rateLimit: must be one of ietf, x, both"],
    [{ headers: { timing: "no" } }, "headers.timing: must be true or false"],
    [{ flights: { shards: "16" } }, "flights.shards: must be a whole number from 1 to 1024"],
    [{ redis: { timout: "1s" } }, "redis.timout: is unknown"],
    [{ radis: {} }, "radis: is unknown"],
    [{ redis: 5 }, "redis: must be an object"],
    [5, "options: must be an object"],
  ])(
    "the error of createStrata() for a wrong option names the option and its valid values: %j",
    (options, problem) => {
      expect(problemsOf(options)).toEqual([problem]);
    },
  );

  it("one error of createStrata() lists every wrong option and every wrong environment variable", () => {
    const options = { redis: { timeout: -1 }, origin: { slots: 0 }, speed: "high" };
    const problems = problemsOf(options, { ...bindings, UPSTASH_REDIS_REST_URL: "nowhere" });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "UPSTASH_REDIS_REST_URL",
      "redis.timeout",
      "origin.slots",
      "speed",
    ]);
  });

  it("the option `log.groups` needs the binding LOGS, because a log object numbers the groups", () => {
    const { LOGS: _logs, ...without } = bindings;
    const problem = "log.groups: must be off without the binding LOGS";
    for (const groups of ["region", "global"] as const) {
      expect(problemsOf({ log: { groups } })).toEqual([]);
      expect(problemsOf({ log: { groups } }, without)).toEqual([problem]);
    }
    expect(problemsOf({ log: { groups: "off" } }, without)).toEqual([]);
  });

  it("createStrata() throws a ConfigError for a wrong option", () => {
    expect(() => createStrata(bindings, { memory: { maxEntries: -1 } })).toThrow(ConfigError);
  });

  it("the property `config` of the object that createStrata() returns is frozen, with all its settings", () => {
    const { config } = createStrata(bindings);
    for (const part of [config, config.settings, ...Object.values(config.settings)])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe("the public surface of a layer", () => {
  it("the object that createStrata() returns has no property `engine`, `store` or `memory`", () => {
    expect(Object.keys(createStrata(bindings)).toSorted()).toEqual([
      "admin",
      "answers",
      "coherence",
      "compare",
      "config",
      "consume",
      "createDryRun",
      "cron",
      "db",
      "degradation",
      "erase",
      "existence",
      "idempotent",
      "inspect",
      "invalidator",
      "jobs",
      "live",
      "logReachable",
      "messages",
      "metrics",
      "middleware",
      "modelCache",
      "open",
      "pending",
      "rateLimits",
      "refusalsOf",
      "scheduled",
      "secondaryStorage",
      "sessions",
      "through",
      "traced",
      "tracedFetch",
      "why",
      "wrap",
      "writer",
    ]);
  });
});
