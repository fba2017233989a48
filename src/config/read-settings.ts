/** Checks every option of the layer and fills in the defaults. Defaults are defined only in this file. */
import { MAX_ANSWER_CHARS } from "../core/answers.ts";
import { ALL_HEADERS, type FieldNames } from "../core/header-families.ts";
import { MAX_LIFETIME_MS } from "../core/policy.ts";
import { EVICTIONS } from "../tiers/eviction/choice.ts";
import {
  choice,
  count,
  duration,
  flag,
  fraction,
  readOptions,
  type OptionTable,
} from "./option-reader.ts";
import type { StrataOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

const MIB = 2 ** 20;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const FIELD_NAMES: readonly FieldNames[] = ["ietf", "x", "both"];

export interface CheckedOptions {
  readonly settings: Settings;
  /** One line for each wrong or unknown option: its path, and what it should be. */
  readonly problems: readonly string[];
}

/** The rule for each option, with its default, its minimum and its maximum. */
const OPTIONS: OptionTable<Omit<StrataOptions, "encryption">> = {
  memory: {
    // An isolate of a Worker has 128 MiB for all its memory.
    maxBytes: count(32 * MIB, 1, 128 * MIB),
    maxEntries: count(20_000, 1, 1_000_000),
    maxEntryBytes: count(4 * MIB, 1, 128 * MIB),
    eviction: choice("sieve", EVICTIONS),
  },
  edge: {
    timeout: duration("500ms", 1, MINUTE_MS),
    maxEntryChars: count(8 * MIB, 1, 128 * MIB),
  },
  redis: {
    timeout: duration("1s", 1, MINUTE_MS),
    // Upstash refuses requests over 10 MB, and it is slow for requests that are not much smaller.
    maxEntryChars: count(MIB, 1, 10_000_000),
    // The default was measured: see docs/benchmarks.md.
    packFromChars: count(16_384, 0, 10_000_000),
    oversize: choice("refuse", ["refuse", "split"]),
  },
  origin: {
    slots: count(64, 1, 10_000),
    slotWait: duration("450ms", 1, MINUTE_MS),
    totalSlots: count(0, 0, 1_000_000),
    freeSlots: count(4, 0, 10_000),
    sqlTimeout: duration("5s", 1, MINUTE_MS),
  },
  proxy: {
    slots: count(128, 1, 10_000),
    slotWait: duration("1s", 1, MINUTE_MS),
    // An eighth of an isolate's 128 MiB.
    maxBytesInFlight: count(16 * MIB, 1, 128 * MIB),
  },
  flights: {
    shards: count(16, 1, 1_024),
    // The default covers a round trip to the object in the region and the start of the object, also
    // on a busy machine.
    grantTimeout: duration("1s", 1, MINUTE_MS),
    slack: duration("1s", 1, MINUTE_MS),
  },
  sessions: {
    idle: duration("1h", 1_000, 30 * DAY_MS),
    absolute: duration("24h", 1_000, 365 * DAY_MS),
    maxPerUser: count(20, 1, 1_000),
    timeout: duration("1s", 1, 1_000),
  },
  breaker: {
    failures: count(3, 1, 1_000),
    originFailures: count(10, 1, 1_000),
    window: duration("10s", 100, MINUTE_MS),
    minCalls: count(20, 1, 10_000),
    failureRate: fraction(0.5, 0.01, 1),
    slowRate: fraction(0.8, 0.01, 1),
    slowRedis: duration("250ms", 1, MINUTE_MS),
    openFor: duration("1s", 1, DAY_MS),
    // With this default an isolate notices a recovery within 5 s.
    maxOpenFor: duration("5s", 1, DAY_MS),
  },
  limits: {
    timeout: duration("1s", 1, MINUTE_MS),
    maxAccounts: count(10_000, 1, 1_000_000),
  },
  headers: {
    rateLimit: choice(ALL_HEADERS.rateLimit, FIELD_NAMES),
    cacheStatus: choice(ALL_HEADERS.cacheStatus, FIELD_NAMES),
    timing: flag(ALL_HEADERS.timing),
    trace: flag(ALL_HEADERS.trace),
  },
  // With this default `/metrics` shows a request within 5 s.
  telemetry: { flushEvery: duration("2s", 1, MINUTE_MS) },
  metrics: {
    shards: count(4, 1, 64),
    timeout: duration("5s", 1, MINUTE_MS),
  },
  existence: {
    // With the default, a filter lets 1 of 100 made-up ids through.
    falsePositiveRate: fraction(0.01, 0.0001, 0.5),
    coherence: duration("1s", 1, DAY_MS),
    rebuildEvery: duration("5m", 1, 7 * DAY_MS),
    maxAge: duration("1h", 1, 7 * DAY_MS),
    reloadEvery: duration("1m", 1, 7 * DAY_MS),
  },
  outbox: {
    verifyAfter: duration("5s", 0, DAY_MS),
    originLag: duration(0, 0, MAX_LIFETIME_MS),
    alarmTimeout: duration("5s", 1, MINUTE_MS),
  },
  queue: {
    timeout: duration("5s", 1, MINUTE_MS),
    maxAttempts: count(5, 1, 100),
    retryAfter: duration("5s", 1, 5 * MINUTE_MS),
  },
  log: {
    keepFor: duration("7d", 1, MAX_LIFETIME_MS),
    trimSlack: duration("1h", 0, 7 * DAY_MS),
    // With the default, a log of names with 36 characters takes 14 MB, and one of the longest names
    // stays below the 100 MB that Upstash allows: see docs/decisions/0021.
    maxKeys: count(100_000, 1_000, 10_000_000),
    shares: choice("auto", ["auto", "off"]),
    // Below about 20 invalidations a second, a group has one member and only costs time.
    groups: choice("off", ["off", "region", "global"]),
  },
  answers: {
    firstPieceTimeout: duration("20s", 1, MINUTE_MS),
    timeout: duration("2m", 1, 10 * MINUTE_MS),
    // A quarter of what Redis takes by default. It is some 30,000 words.
    maxChars: count(262_144, 1_000, MAX_ANSWER_CHARS),
    maxCalls: count(64, 1, 10_000),
    // Each answer that is sent holds at most one batch of its frames.
    maxStreams: count(1_000, 1, 100_000),
  },
};

const WRONG = "encryption: wrong";

/** Checks every option and gives each absent option its default. */
export function normalizeOptions(options: StrataOptions): CheckedOptions {
  const given = Object(options) as StrataOptions;
  const { encryption, ...groups } = given;
  const { values, problems } = readOptions("encryption" in given ? groups : options, OPTIONS);
  const wrong = encryption === undefined || typeof encryption?.open === "function" ? [] : [WRONG];
  return { settings: values as unknown as Settings, problems: [...problems, ...wrong] };
}
