/** The settings of the layer: every option checked, with its default. The only home of defaults. */
import { MAX_LIFETIME_MS } from "../core/policy.ts";
import type { Millis } from "../core/time.ts";
import { EVICTIONS, type Eviction } from "../tiers/eviction/choice.ts";
import { createOptionReader } from "./option-reader.ts";
import type { StrataOptions } from "./options.ts";

/** `StrataOptions` with every member set, and with every duration in milliseconds as `...Ms`. */
export interface Settings {
  readonly memory: {
    readonly maxBytes: number;
    readonly maxEntries: number;
    readonly maxEntryBytes: number;
    readonly eviction: Eviction;
  };
  readonly edge: { readonly timeoutMs: Millis; readonly maxEntryChars: number };
  readonly redis: {
    readonly timeoutMs: Millis;
    readonly maxEntryChars: number;
    readonly packFromChars: number;
  };
  readonly origin: { readonly slots: number; readonly sqlTimeoutMs: Millis };
  readonly flights: {
    readonly shards: number;
    readonly grantTimeoutMs: Millis;
    readonly slackMs: Millis;
  };
  readonly breaker: { readonly failures: number; readonly openForMs: Millis };
  readonly limits: { readonly timeoutMs: Millis; readonly maxAccounts: number };
  readonly telemetry: { readonly flushEveryMs: Millis };
  readonly metrics: { readonly shards: number; readonly timeoutMs: Millis };
  readonly existence: {
    readonly falsePositiveRate: number;
    readonly coherenceMs: Millis;
    readonly rebuildEveryMs: Millis;
    readonly maxAgeMs: Millis;
    readonly reloadEveryMs: Millis;
  };
  readonly outbox: {
    readonly verifyAfterMs: Millis;
    readonly originLagMs: Millis;
    readonly alarmTimeoutMs: Millis;
  };
  readonly log: { readonly trimSlackMs: Millis };
}

const MIB = 2 ** 20;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface CheckedOptions {
  readonly settings: Settings;
  /** One line for each wrong or unknown option: its path, and what it should be. */
  readonly problems: readonly string[];
}

/** Checks every option and gives each one that is absent its default. */
export function normalizeOptions(options: StrataOptions): CheckedOptions {
  const reader = createOptionReader(options);
  const memory = reader.group("memory");
  const edge = reader.group("edge");
  const redis = reader.group("redis");
  const origin = reader.group("origin");
  const flights = reader.group("flights");
  const breaker = reader.group("breaker");
  const limits = reader.group("limits");
  const telemetry = reader.group("telemetry");
  const metrics = reader.group("metrics");
  const existence = reader.group("existence");
  const outbox = reader.group("outbox");
  const log = reader.group("log");

  const settings: Settings = {
    memory: {
      // A Worker's isolate has 128 MiB for everything.
      maxBytes: memory.count("maxBytes", 32 * MIB, 1, 128 * MIB),
      maxEntries: memory.count("maxEntries", 20_000, 1, 1_000_000),
      maxEntryBytes: memory.count("maxEntryBytes", 4 * MIB, 1, 128 * MIB),
      eviction: memory.choice("eviction", "sieve", EVICTIONS),
    },
    edge: {
      timeoutMs: edge.duration("timeout", "500ms", 1, MINUTE_MS),
      maxEntryChars: edge.count("maxEntryChars", 8 * MIB, 1, 128 * MIB),
    },
    redis: {
      timeoutMs: redis.duration("timeout", "1s", 1, MINUTE_MS),
      // Upstash refuses requests over 10 MB and is slow well before that.
      maxEntryChars: redis.count("maxEntryChars", MIB, 1, 10_000_000),
      // Measured: docs/benchmarks.md.
      packFromChars: redis.count("packFromChars", 16_384, 0, 10_000_000),
    },
    origin: {
      slots: origin.count("slots", 64, 1, 10_000),
      sqlTimeoutMs: origin.duration("sqlTimeout", "5s", 1, MINUTE_MS),
    },
    flights: {
      shards: flights.count("shards", 16, 1, 1_024),
      // A round trip to the object of the region and its start, also on a busy machine.
      grantTimeoutMs: flights.duration("grantTimeout", "1s", 1, MINUTE_MS),
      slackMs: flights.duration("slack", "1s", 1, MINUTE_MS),
    },
    breaker: {
      failures: breaker.count("failures", 3, 1, 1_000),
      openForMs: breaker.duration("openFor", "1s", 1, DAY_MS),
    },
    limits: {
      timeoutMs: limits.duration("timeout", "1s", 1, MINUTE_MS),
      maxAccounts: limits.count("maxAccounts", 10_000, 1, 1_000_000),
    },
    // `/metrics` shows a request within 5 s.
    telemetry: { flushEveryMs: telemetry.duration("flushEvery", "2s", 1, MINUTE_MS) },
    metrics: {
      shards: metrics.count("shards", 4, 1, 64),
      timeoutMs: metrics.duration("timeout", "5s", 1, MINUTE_MS),
    },
    existence: {
      // One of 100 made-up ids passes.
      falsePositiveRate: existence.fraction("falsePositiveRate", 0.01, 0.0001, 0.5),
      coherenceMs: existence.duration("coherence", "1s", 1, DAY_MS),
      rebuildEveryMs: existence.duration("rebuildEvery", "5m", 1, 7 * DAY_MS),
      maxAgeMs: existence.duration("maxAge", "1h", 1, 7 * DAY_MS),
      reloadEveryMs: existence.duration("reloadEvery", "1m", 1, 7 * DAY_MS),
    },
    outbox: {
      verifyAfterMs: outbox.duration("verifyAfter", "5s", 0, DAY_MS),
      originLagMs: outbox.duration("originLag", 0, 0, MAX_LIFETIME_MS),
      alarmTimeoutMs: outbox.duration("alarmTimeout", "5s", 1, MINUTE_MS),
    },
    log: { trimSlackMs: log.duration("trimSlack", "1h", 0, 7 * DAY_MS) },
  };
  for (const group of Object.values(settings)) Object.freeze(group);
  return { settings: Object.freeze(settings), problems: reader.problems() };
}
