/**
 * A shared store for applications without a database: the invalidation log of one data centre, in its
 * Workers Cache API. It stores no entries. An invalidation reaches the isolates of the data centre in
 * which it was made, and no other.
 *
 * The log is one record that each invalidation reads and writes back. The Cache API has no
 * transactions, so that two invalidations at the same time can lose one of them. The isolate
 * therefore reads the record again after each write, at once and later, and repeats what is missing.
 */
import type { WithTimeout } from "../core/deadline.ts";
import { done, failed } from "../core/faults.ts";
import type { Context } from "../core/context.ts";
import { MAX_CHANGES, type LogAnswer } from "../core/log.ts";
import type { NewId } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { Seq } from "../core/seq.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { EpochMs, Millis } from "../core/time.ts";
import { callCache } from "./cache-call.ts";
import {
  answerOf,
  decodeRecord,
  encodeRecord,
  numbersOf,
  withInvalidation,
  type LogRecord,
} from "./log-record.ts";

export interface DataCentreLogOptions {
  /** Opens the cache; undefined where the platform has none. Each operation calls it. */
  readonly open: (() => Promise<Cache>) | undefined;
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
  readonly newId: NewId;
  readonly sleep: (ms: Millis) => Promise<void>;
}

/** The log lives as long as the longest lifetime of an entry, counted from its last change. */
const HEADERS = { "Cache-Control": "public, max-age=604800" };
/** An invalidation that another one overwrote is repeated at once this often. */
const MAX_WRITES = 5;
/** The isolate looks after an invalidation again at these times. */
const CHECKS_MS: readonly Millis[] = [200, 1_000];

/** Creates the store of one data centre. */
export function createDataCentreLog(options: DataCentreLogOptions): SharedStore {
  const { open, timeoutMs, withTimeout, newId, sleep } = options;
  /** The record as this isolate knows it. It is the log itself where the Cache API stores nothing. */
  let known: LogRecord | undefined;
  /** Whether the Cache API keeps what it is given. It keeps nothing on workers.dev. */
  let keeps = open !== undefined;
  /** Whether the Cache API has ever had a record. Then a missing record is lost, and not refused. */
  let hadRecord = false;

  const attempt = <T>(work: () => Promise<T>): Promise<Result<T>> =>
    callCache(work, timeoutMs, withTimeout);

  async function load(ctx: Context): Promise<LogRecord | undefined> {
    if (!keeps || open === undefined) return known;
    const response = await (await open()).match(urlOf(ctx));
    const record = response && decodeRecord(await response.text());
    if (record !== undefined) {
      known = record;
      hadRecord = true;
    }
    return record;
  }

  /** Writes the record. Returns the record that is stored then, which another isolate may have written. */
  async function save(record: LogRecord, ctx: Context): Promise<LogRecord> {
    known = record;
    if (open === undefined) return record;
    await (await open()).put(urlOf(ctx), new Response(encodeRecord(record), { headers: HEADERS }));
    keeps = true;
    const stored = await load(ctx);
    if (stored !== undefined) return stored;
    if (hadRecord) throw new Error("the Cache API has lost the log");
    keeps = false;
    return record;
  }

  async function establish(ctx: Context, least: Seq): Promise<LogRecord> {
    const seq = Math.max(least + 1, microsOf(ctx.now()));
    return save({ era: newId(), seq, floor: 0, numbers: new Map() }, ctx);
  }

  /** Gives log keys a number, and writes until the stored record has it. */
  async function invalidate(logKeys: readonly string[], watched: readonly string[], ctx: Context) {
    let record = (await load(ctx)) ?? (await establish(ctx, 0));
    let previous = 0;
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      // Each round, because the record may be one that another isolate has written meanwhile.
      previous = Math.max(previous, record.floor, ...numbersOf(record, [...logKeys, ...watched]));
      const sentAt = ctx.now();
      const next = withInvalidation(record, logKeys, microsOf(sentAt));
      record = await save(next, ctx);
      if (has(record, logKeys, next.seq)) {
        const log = answerOf(record, 0, Infinity, sentAt);
        return { seq: next.seq, era: record.era, previous, log };
      }
    }
    throw new Error("other invalidations overwrote it");
  }

  /**
   * Repeats an invalidation if another isolate has written the record since. That isolate may have overwritten
   * the invalidation, or have given a higher number before: an isolate that knows the higher number does not ask
   * for the lower one.
   */
  async function watch(logKeys: readonly string[], first: Seq, ctx: Context): Promise<void> {
    let seq = first;
    for (const ms of CHECKS_MS) {
      await sleep(ms);
      const record = await load(ctx);
      if (record !== undefined && record.seq !== seq)
        seq = (await invalidate(logKeys, [], ctx)).seq;
    }
  }

  const sync = (since: Seq, limit: number, ctx: Context): Promise<Result<LogAnswer>> =>
    attempt(async () => {
      const sentAt = ctx.now();
      return answerOf(await load(ctx), since, limit, sentAt);
    });

  return {
    // The engine reads no entries of a store that holds none.
    read: async () => failed("edge.unavailable", "the store has no entries"),

    verify: (entries, since, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const record = await load(ctx);
        const numbers = entries.map((invalidationKeys) => ({
          hard: highest(record, invalidationKeys, ""),
          soft: highest(record, invalidationKeys, "~"),
          unconfirmed: highest(record, invalidationKeys, "?"),
        }));
        return { numbers, log: answerOf(record, since, MAX_CHANGES, sentAt) };
      }),

    sync,

    establish: (since, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const record = await load(ctx);
        const isWhole =
          record !== undefined && (record.era !== since.era || record.seq >= since.seq);
        const kept = isWhole ? record : await establish(ctx, since.seq);
        return answerOf(kept, kept.era === since.era ? since.seq : 0, MAX_CHANGES, sentAt);
      }),

    write: async () => done({ keys: new Set(), requests: 0 }),

    delete: async () => done(undefined),

    async invalidate(logKeys, watched, ctx) {
      const result = await attempt(() => invalidate(logKeys, watched, ctx));
      if (result.ok && keeps) ctx.defer(watch(logKeys, result.value.seq, ctx));
      return result;
    },

    numbers: (logKeys, ctx) => attempt(async () => numbersOf(await load(ctx), logKeys)),

    trim: (_keepMs, _maxLogKeys, ctx) => attempt(async () => (await load(ctx))?.floor ?? 0),
  };
}

function has(record: LogRecord, logKeys: readonly string[], seq: Seq): boolean {
  return record.floor >= seq || numbersOf(record, logKeys).every((number) => number >= seq);
}

function highest(
  record: LogRecord | undefined,
  invalidationKeys: readonly string[],
  kind: string,
): Seq {
  return Math.max(
    0,
    ...numbersOf(
      record,
      invalidationKeys.map((name) => kind + name),
    ),
  );
}

function microsOf(at: EpochMs): Seq {
  return Math.floor(at) * 1_000;
}

/** Returns a URL under the host of the entries that no route answers. */
function urlOf(ctx: Context): string {
  return `https://${ctx.host}/__strata/log/record`;
}
