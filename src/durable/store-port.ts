import { decodeEntry, encodeEntry } from "../core/codec.ts";
import type { Context } from "../core/context.ts";
import type { WithTimeout } from "../core/deadline.ts";
import { done, failed, type Fault } from "../core/faults.ts";
import { shardOf } from "../core/hash.ts";
import { MAX_CHANGES } from "../core/log.ts";
import type { Result } from "../core/result.ts";
import type { Seq } from "../core/seq.ts";
import type { SharedStore, Verified, Written } from "../core/shared-store.ts";
import type { Millis } from "../core/time.ts";
import { requestsOf, type StoredText } from "../core/write-requests.ts";
import { attemptObject } from "./object-attempt.ts";
import { placesByObject } from "./places.ts";
import type { StoreRpc } from "./store-rpc.ts";
import type { StoreRead } from "./store-tables.ts";

export interface StorePortOptions {
  /**
   * Creates a stub for the object with this name. Each call creates a new stub, because a stub
   * cannot be used again after an error.
   */
  readonly stub: (name: string) => StoreRpc;
  /** The namespace. Each namespace has its own objects. */
  readonly namespace: string;
  /** The number of objects for the entries. 0: the object of the log holds them too. */
  readonly shards: number;
  /** The most characters of a stored entry. Longer entries are not stored. */
  readonly maxEntryChars: number;
  /** The time limit of one operation, with a second attempt if there is one. */
  readonly timeoutMs: Millis;
  readonly withTimeout: WithTimeout;
}

export interface ProbedStore extends SharedStore {
  /**
   * Calls the objects that have not answered their last call, or else the object of the log. The breaker sends it
   * in the background.
   */
  probe(): Promise<Result<void>>;
}

/** A row of a Durable Object has at most 2 MB. The rest is for the key and the other columns. */
const MAX_ROW_BYTES = 2_000_000;
/** The most characters that one request carries, but for an entry that is longer by itself. */
const REQUEST_CHARS = 4 * 2 ** 20;

/** Implements `SharedStore` with calls of the StrataStore objects. */
export function createDurableStore(options: StorePortOptions): ProbedStore {
  const { stub, namespace, shards, maxEntryChars, timeoutMs, withTimeout } = options;
  const logObject = `${namespace}-store`;
  const entryObject = (key: string): string =>
    shards === 0 ? logObject : `${namespace}-entries-${shardOf(key, shards)}`;

  /** The objects that have not answered their last call. */
  const silent = new Set<string>();

  /** Calls an object, and once more if the platform says that another attempt may succeed. */
  async function call<T>(name: string, send: (object: StoreRpc) => Promise<T>): Promise<T> {
    silent.add(name);
    const answer = await callTwice(name, send);
    silent.delete(name);
    return answer;
  }

  async function callTwice<T>(name: string, send: (object: StoreRpc) => Promise<T>): Promise<T> {
    try {
      return await send(stub(name));
    } catch (error) {
      if (!isRetryable(error)) throw error;
      return send(stub(name));
    }
  }

  const attempt = <T>(work: () => Promise<T>): Promise<Result<T>> =>
    attemptObject(work, withTimeout, timeoutMs);

  /** Asks the objects of the entries first: the log must say what is valid after they were read. */
  async function readShards(keys: readonly string[], since: Seq, ctx: Context) {
    const texts = keys.map(() => "");
    const read = async ([name, places]: readonly [string, readonly number[]]): Promise<void> => {
      const asked = places.map((place) => keys[place] ?? "");
      const found = await call(name, (object) => object.texts(asked));
      for (const [i, place] of places.entries()) texts[place] = found[i] ?? "";
    };
    await Promise.all([...placesByObject(keys, entryObject)].map(read));
    const entries = keys.map((key, i) => decodeEntry(key, texts[i] ?? ""));
    const lists = entries.map((entry) => entry?.invalidationKeys ?? []);
    const sentAt = ctx.now();
    const { numbers, log } = await call(logObject, (object) =>
      object.verify(lists, since, MAX_CHANGES),
    );
    return { read: { texts, numbers, log }, sentAt };
  }

  async function readOne(keys: readonly string[], since: Seq, ctx: Context) {
    const sentAt = ctx.now();
    const read = await call(logObject, (object) => object.read(keys, since, MAX_CHANGES));
    return { read, sentAt };
  }

  function decode(
    keys: readonly string[],
    { texts, numbers }: StoreRead,
    ctx: Context,
  ): (Verified | undefined)[] {
    const corrupt: string[] = [];
    const found = keys.map((key, i): Verified | undefined => {
      const text = texts[i] ?? "";
      const highest = numbers[i];
      if (text === "" || highest === undefined) return undefined;
      const entry = decodeEntry(key, text);
      if (entry !== undefined) return { entry, ...highest };
      corrupt.push(key);
      return undefined;
    });
    if (corrupt.length > 0) ctx.defer(store.delete(corrupt, ctx));
    for (const key of corrupt)
      ctx.emit({ type: "entry.reject", key, tier: "redis", reason: "corrupt" });
    return found;
  }

  async function send(name: string, texts: readonly StoredText[]): Promise<Fault | undefined> {
    const sent = await attempt(() => call(name, (object) => object.write(texts)));
    return sent.ok ? undefined : sent.fault;
  }

  const store: ProbedStore = {
    read: (keys, since, ctx) =>
      attempt(async () => {
        const { read, sentAt } = await (shards === 0 ? readOne : readShards)(keys, since, ctx);
        return { found: decode(keys, read, ctx), log: { ...read.log, sentAt } };
      }),

    verify: (entries, since, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const { numbers, log } = await call(logObject, (object) =>
          object.verify(entries, since, MAX_CHANGES),
        );
        return { numbers, log: { ...log, sentAt } };
      }),

    sync: (since, limit, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        return { ...(await call(logObject, (object) => object.sync(since, limit))), sentAt };
      }),

    establish: (known, ctx) =>
      attempt(async () => {
        const sentAt = ctx.now();
        const log = await call(logObject, (object) => object.establish(known, MAX_CHANGES));
        return { ...log, sentAt };
      }),

    async write(entries, ctx) {
      const now = ctx.now();
      const texts: StoredText[] = [];
      for (const entry of entries) {
        const { key } = entry;
        const ttlMs = Math.ceil(entry.deleteAt - now);
        if (ttlMs <= 0) continue;
        const text = encodeEntry(entry);
        if (fits(text, maxEntryChars)) texts.push({ key, text, ttlMs });
        else ctx.emit({ type: "entry.reject", key, tier: "redis", reason: "too-big" });
      }
      if (texts.length === 0 && entries.length > 0)
        return failed("store.rejected", "every entry is too big or is past its deleteAt");
      const keys = texts.map(({ key }) => key);
      const requests = [...placesByObject(keys, entryObject)].flatMap(([name, places]) =>
        requestsOf(
          places.flatMap((place) => texts[place] ?? []),
          REQUEST_CHARS,
        ).map((part) => ({ name, part })),
      );
      const faults = await Promise.all(requests.map(({ name, part }) => send(name, part)));
      const stored = requests.filter((_, i) => faults[i] === undefined);
      const fault = faults.find((one) => one !== undefined);
      if (fault !== undefined && stored.length === 0) return { ok: false, fault };
      return done<Written>({
        keys: new Set(stored.flatMap(({ part }) => part.map(({ key }) => key))),
        requests: requests.length,
        ...(fault !== undefined && { fault }),
      });
    },

    delete: (keys) =>
      attempt(async () => {
        const parts = [...placesByObject(keys, entryObject)];
        await Promise.all(
          parts.map(([name, places]) =>
            call(name, (object) => object.remove(places.map((place) => keys[place] ?? ""))),
          ),
        );
      }),

    erase: (scope, cursor, pageSize) =>
      attempt(async () => {
        const [, shard = "0", after = ""] = /^(\d{1,3}):(.*)$/.exec(cursor) ?? [];
        const place = Number(shard);
        const name = shards === 0 ? logObject : `${namespace}-entries-${place}`;
        const part = await call(name, (object) => object.erase(scope, after, pageSize));
        const { keys, examined, last } = part;
        const hasNext = last !== undefined || place + 1 < shards;
        const next = last === undefined ? `${place + 1}:` : `${place}:${last}`;
        return { keys, examined, requests: 1, ...(hasNext && { cursor: next }) };
      }),

    invalidate: (logKeys, watched) =>
      attempt(() => call(logObject, (object) => object.invalidate(logKeys, watched))),

    numbers: (logKeys) => attempt(() => call(logObject, (object) => object.numbers(logKeys))),

    trim: (keepMs, maxLogKeys) =>
      attempt(() => call(logObject, (object) => object.trim(keepMs, maxLogKeys))),

    probe: () =>
      attempt(async () => {
        const names = silent.size > 0 ? [...silent] : [logObject];
        await Promise.all(names.map((name) => call(name, (object) => object.ping())));
      }),
  };
  return store;
}

/** Whether a text may be stored. A character takes at most three bytes. */
function fits(text: string, maxChars: number): boolean {
  if (text.length > maxChars) return false;
  if (text.length * 3 <= MAX_ROW_BYTES) return true;
  return new TextEncoder().encode(text).byteLength <= MAX_ROW_BYTES;
}

/** Whether a second call may succeed. An object that has too much to do must not get more. */
function isRetryable(error: unknown): boolean {
  const { retryable, overloaded } = error as { retryable?: unknown; overloaded?: unknown };
  return retryable === true && overloaded !== true;
}
