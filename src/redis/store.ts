import { decodeEntry, encodeEntry } from "../core/codec.ts";
import { done, failed, type Fault } from "../core/faults.ts";
import { MAX_CHANGES } from "../core/log.ts";
import type { HighestNumbers } from "../core/log-verdict.ts";
import type { Context } from "../core/context.ts";
import type { Entry } from "../core/entry.ts";
import type { NewId } from "../core/random.ts";
import type { Result } from "../core/result.ts";
import type { SharedStore, Verified, Written } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import type { LogKey } from "../core/invalidation-key.ts";
import { createRedisErase } from "./erase.ts";
import { attempt, redisFaultOf, type RedisClient } from "./client.ts";
import { parseLog, type RawLog } from "./log-answer.ts";
import { createScriptRunner } from "./script-runner.ts";
import { pack, unpack } from "./packing.ts";
import { createPartReader } from "./part-reader.ts";
import { MAX_PARTS, split } from "./parts.ts";
import { ESTABLISH, INVALIDATE, READ, TRIM, VERIFY } from "./scripts.ts";
import type { Seq } from "../core/seq.ts";
import { requestsOf, type StoredText } from "../core/write-requests.ts";

/**
 * The most characters that one request carries, but for an entry that is longer by itself. JSON
 * writes a character with at most six bytes, so a request has at most 5.4 MB of them.
 *
 * Upstash refuses requests over 10 MB on the plans "Free" and "Pay as you go".
 *
 * @see https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded
 */
const REQUEST_CHARS = 900_000;

export interface RedisStoreOptions {
  readonly redis: RedisClient;
  /** The prefix of every key; it separates applications in one database. */
  readonly namespace: string;
  /** Makes the names of eras. */
  readonly newId: NewId;
  /** The most characters of one stored value. */
  readonly maxEntryChars: number;
  /** Bodies with at least this many characters are compressed. Default: no body is compressed. */
  readonly packFromChars?: number;
  /** Longer entries are stored in up to 16 parts. Default: they are not stored. */
  readonly splits?: boolean;
}

/** A part outlives its entry, so that no entry is found without its parts. */
const PART_SLACK_MS = 10_000;
/**
 * The most characters of an entry in parts, and of the parts that one read holds. A read takes them about four times: as
 * the answer, as parts, as a text, and as the bytes of its hash.
 */
const MAX_PARTS_CHARS = 16 * 2 ** 20;

/** The shared store in Upstash Redis. */
export function createRedisStore(options: RedisStoreOptions): SharedStore {
  const {
    redis,
    namespace,
    newId,
    maxEntryChars,
    packFromChars = Infinity,
    splits = false,
  } = options;
  const longest = splits
    ? Math.max(maxEntryChars, Math.min(maxEntryChars * MAX_PARTS, MAX_PARTS_CHARS))
    : maxEntryChars;
  const log = `${namespace}:inv`;
  const marks = `${namespace}:inv:marks`;
  const entryKey = (key: string): string => `${namespace}:e:${key}`;
  const partKey = (name: string): string => `${namespace}:p:${name}`;

  const readWhole = createPartReader({
    redis,
    partKey,
    partChars: maxEntryChars,
    maxChars: MAX_PARTS_CHARS,
  });
  const readScript = createScriptRunner(redis, READ, { readonly: true });
  const verifyScript = createScriptRunner(redis, VERIFY, { readonly: true });
  const invalidateScript = createScriptRunner(redis, INVALIDATE);
  const establishScript = createScriptRunner(redis, ESTABLISH);
  const trimScript = createScriptRunner(redis, TRIM);

  /** The text to store. Undefined for a large binary body: images and archives do not shrink, and the attempt blocks the isolate. */
  async function packed(entry: Entry): Promise<string | undefined> {
    if (typeof entry.body !== "string" && entry.body.byteLength > longest) return undefined;
    return pack(encodeEntry(entry), packFromChars);
  }

  /** Sends one request of a write. Returns the fault of each entry that Redis has not stored. */
  async function send(
    texts: readonly StoredText[],
    keyOf = entryKey,
  ): Promise<(Fault | undefined)[]> {
    const pipeline = redis.pipeline();
    for (const { key, text, ttlMs } of texts) pipeline.set(keyOf(key), text, { px: ttlMs });
    const sent = await attempt(() => pipeline.exec({ keepErrors: true }));
    return texts.map((_, i) => {
      if (!sent.ok) return sent.fault;
      const error = sent.value[i]?.error;
      return error === undefined ? undefined : redisFaultOf(new Error(error));
    });
  }

  /**
   * Returns the text to store under the key of an entry. It writes the parts of a longer one first, so that
   * no head names a part that is not there. Undefined if the entry is too long.
   */
  async function fitted(text: string, ttlMs: Millis): Promise<Result<string | undefined>> {
    if (text.length <= maxEntryChars) return done(text);
    if (text.length > longest) return done(undefined);
    const divided = await split(text, maxEntryChars);
    if (divided === undefined) return done(undefined);
    const parts = divided.parts.map((part) => ({
      key: part.name,
      text: part.text,
      ttlMs: ttlMs + PART_SLACK_MS,
    }));
    const requests = requestsOf(parts, REQUEST_CHARS);
    const faults = await Promise.all(requests.map((request) => send(request, partKey)));
    const fault = faults.flat().find((one) => one !== undefined);
    return fault === undefined ? done(divided.head) : { ok: false, fault };
  }

  async function decode(
    keys: readonly string[],
    raw: RawRead,
    ctx: Context,
  ): Promise<(Verified | undefined)[]> {
    const [values, hard, soft, unconfirmed] = raw;
    const corrupt: string[] = [];
    const wholes = await readWhole(keys.map((_, i) => values[i] ?? ""));
    const texts = await Promise.all(
      wholes.map(async (one) => (one.kind === "whole" ? unpack(one.text) : undefined)),
    );
    for (const fault of new Set(wholes.flatMap((one) => ("fault" in one ? [one.fault] : []))))
      ctx.emit({ type: "fault.raise", fault });
    const found = keys.map((key, i): Verified | undefined => {
      const text = texts[i];
      if (text === undefined)
        ctx.emit({ type: "entry.reject", key, tier: "redis", reason: "incomplete" });
      if (text === undefined || text === "") return undefined;
      const entry = decodeEntry(key, text);
      if (entry === undefined) {
        corrupt.push(key);
        return undefined;
      }
      return { entry, ...numbersAt(i, hard, soft, unconfirmed) };
    });
    if (corrupt.length > 0) ctx.defer(store.delete(corrupt, ctx));
    for (const key of corrupt)
      ctx.emit({ type: "entry.reject", key, tier: "redis", reason: "corrupt" });
    return found;
  }

  const store: SharedStore = {
    read: (keys, since, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const args = [since, MAX_CHANGES];
        const raw = await readScript<RawRead>([log, ...keys.map(entryKey)], args);
        return { found: await decode(keys, raw, ctx), log: parseLog(raw[4], since, sentAt) };
      }),

    verify: (entries, since, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        // An invalidation key has no control characters, so tabs can separate them.
        const args = [since, MAX_CHANGES, ...entries.map((keys) => keys.join("\t"))];
        const [hard, soft, unconfirmed, raw] = await verifyScript<RawVerification>([log], args);
        return {
          numbers: entries.map((_, i) => numbersAt(i, hard, soft, unconfirmed)),
          log: parseLog(raw, since, sentAt),
        };
      }),

    sync: (since, limit, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const range = await redis.zrange<string[]>(log, "+inf", since, {
          byScore: true,
          rev: true,
          withScores: true,
          offset: 0,
          count: limit,
        });
        return parseLog(range, since, sentAt, limit);
      }),

    establish: (known, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const args = [newId(), known.era ?? "", known.seq, MAX_CHANGES];
        return parseLog(await establishScript<RawLog>([log], args), known.seq, sentAt);
      }),

    async write(entries, ctx) {
      const now = ctx.now();
      const texts: StoredText[] = [];
      let partFault: Fault | undefined;
      for (const entry of entries) {
        const { key } = entry;
        const ttlMs = Math.ceil(entry.deleteAt - now);
        if (ttlMs <= 0) continue;
        const text = await packed(entry);
        const fits = text === undefined ? done(undefined) : await fitted(text, ttlMs);
        if (!fits.ok) partFault = fits.fault;
        else if (fits.value !== undefined) texts.push({ key, text: fits.value, ttlMs });
        else ctx.emit({ type: "entry.reject", key, tier: "redis", reason: "too-big" });
      }
      if (texts.length === 0 && partFault !== undefined) return { ok: false, fault: partFault };
      if (texts.length === 0 && entries.length > 0)
        return failed(
          "redis.rejected",
          `every entry has over ${longest} characters or is past its deleteAt`,
        );
      const requests = requestsOf(texts, REQUEST_CHARS);
      const sent = await Promise.all(requests.map((request) => send(request)));
      const outcomes = sent.flat();
      const keys = new Set(texts.filter((_, i) => outcomes[i] === undefined).map(({ key }) => key));
      const fault = outcomes.find((outcome) => outcome !== undefined) ?? partFault;
      if (fault !== undefined && keys.size === 0) return { ok: false, fault };
      return done<Written>({
        keys,
        requests: requests.length,
        ...(fault !== undefined && { fault }),
      });
    },

    delete: (keys) =>
      attempt(async () => {
        if (keys.length > 0) await redis.del(...keys.map(entryKey));
      }),

    erase: createRedisErase({ redis, namespace, entryKey, partKey }),

    invalidate: (logKeys, watched) =>
      attempt(async () => {
        const [seq, name, previous] = await invalidateScript<[string, string, string]>(
          [log],
          [newId(), logKeys.length, ...logKeys, ...watched],
        );
        return { seq: Number(seq), era: name.replace("!era:", ""), previous: Number(previous) };
      }),

    numbers: (logKeys) => numbersOf(redis, log, logKeys),

    trim: (keepMs, maxLogKeys) =>
      attempt(async () => Number(await trimScript<string>([log, marks], [keepMs, maxLogKeys]))),
  };
  return store;
}

type RawNumbers = readonly [
  hard: readonly string[],
  soft: readonly string[],
  unconfirmed: readonly string[],
];

type RawRead = readonly [values: readonly string[], ...RawNumbers, log: RawLog];

type RawVerification = readonly [...RawNumbers, log: RawLog];

function numbersAt(i: number, ...[hard, soft, unconfirmed]: RawNumbers): HighestNumbers {
  return { hard: Number(hard[i]), soft: Number(soft[i]), unconfirmed: Number(unconfirmed[i]) };
}

function numbersOf(
  redis: RedisClient,
  log: string,
  logKeys: readonly LogKey[],
): Promise<Result<readonly Seq[]>> {
  return attempt(async () => {
    if (logKeys.length === 0) return [];
    // The client does not deserialize answers, so scores arrive as texts.
    const scores = (await redis.zmscore(log, [...logKeys])) as (string | null)[] | null;
    return logKeys.map((_, i) => Number(scores?.[i] ?? 0));
  });
}
