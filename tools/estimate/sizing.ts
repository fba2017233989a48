/** Estimates what a catalogue of entries takes in Redis and in the memory of an isolate. */
import { createBloom } from "../../src/core/bloom.ts";
import { encodeEntry } from "../../src/core/codec.ts";
import { type Entry } from "../../src/core/entry.ts";
import { sizeOf } from "../../src/core/entry-size.ts";
import { derivedInvalidationKeys, type InvalidationKey } from "../../src/core/invalidation-key.ts";

export interface Catalogue {
  /** The number of entries. */
  readonly items: number;
  /** The mean size of a value as JSON, in bytes. */
  readonly bytes: number;
  /** The tags of one entry, besides those that its key gives. */
  readonly tags: number;
  /** The reads that no tier answers, in one region and second. */
  readonly missesPerSecond: number;
}

export interface Estimate {
  /** What Redis takes for one entry, with its key and its expiry, not compressed. */
  readonly redisBytesPerEntry: number;
  readonly redisBytes: number;
  /** The limit to choose for Redis: the entries at 70 % of it, beside the full log and the filter. */
  readonly redisLimitBytes: number;
  readonly filterBytes: number;
  readonly memoryBytesPerEntry: number;
  /** The entries that one isolate holds with the default options. */
  readonly entriesInMemory: number;
  /** The flight objects of a region. */
  readonly flightShards: number;
}

/** What Redis 7 adds to a key and a value with an expiry: measured with redis-server 7 (`test/dev/sizing.test.ts`). */
const REDIS_OVERHEAD_BYTES = 110;
/** The header of a string of Redis. */
const STRING_BYTES = 10;
/** The invalidation log with 100,000 log keys of 36 characters: `test/dev/log-size.test.ts`. */
const FULL_LOG_BYTES = 14_000_000;
/** The defaults of `memory.maxBytes` and `memory.maxEntries`. */
const MEMORY_BYTES = 32 * 2 ** 20;
const MEMORY_ENTRIES = 20_000;
/** Above this share of its limit Redis is likely to evict or to refuse writes before an alert is read. */
const REDIS_SHARE = 0.7;
/** The default of `existence.falsePositiveRate`. */
const FALSE_POSITIVES = 0.01;
const BASE64 = 4 / 3;
/** A miss asks a flight object twice. The platform advises at most 500 to 1,000 requests a second for an object. */
const CALLS_OF_MISS = 2;
const CALLS_PER_OBJECT = 500;
/** The default of `flights.shards`. */
const MIN_SHARDS = 16;

/** Makes an entry as the layer would store it, with a key of the form `product:<number>`. */
export function sampleEntry({ items, bytes, tags }: Catalogue, number: number): Entry {
  const digits = String(items).length;
  const id = String(number).padStart(digits, "0");
  const key = `product:${id}`;
  const names = Array.from({ length: tags }, (_, at): InvalidationKey => `t:tag-${at}:${id}`);
  const now = 1_795_000_000_000;
  return {
    key,
    kind: "value",
    body: JSON.stringify("x".repeat(Math.max(0, bytes - 2))),
    etag: '"hQNC7my7ozDs/LzbKyoH"',
    invalidationKeys: [...derivedInvalidationKeys(key), ...names],
    storedAt: now,
    freshUntil: now + 3_600_000,
    staleUntil: now + 3_900_000,
    errorUntil: now + 86_400_000,
    deleteAt: now + 86_400_000,
    asOf: 1_795_000_000_123_456,
    era: "4f0c6f5d-9d4e-4a47-8d6c-3f5a1b2c4d5e",
    loadCost: 12,
  };
}

/** Rounds a size up to a size class of jemalloc, the allocator of Redis: four classes for each doubling. */
function allocated(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

export function estimate(catalogue: Catalogue): Estimate {
  const entry = sampleEntry(catalogue, catalogue.items);
  const name = `strata:e:${entry.key}`;
  const value = allocated(encodeEntry(entry).length + STRING_BYTES);
  const redisBytesPerEntry = name.length + value + REDIS_OVERHEAD_BYTES;
  const redisBytes = redisBytesPerEntry * catalogue.items;
  const filter = createBloom(catalogue.items, FALSE_POSITIVES, [0, 0]).bytes.length;
  const filterBytes = Math.ceil(filter * BASE64);
  const memoryBytesPerEntry = sizeOf(entry);
  const shards = Math.ceil((catalogue.missesPerSecond * CALLS_OF_MISS) / CALLS_PER_OBJECT);
  return {
    redisBytesPerEntry,
    redisBytes,
    redisLimitBytes: Math.ceil((redisBytes + FULL_LOG_BYTES + filterBytes) / REDIS_SHARE),
    filterBytes,
    memoryBytesPerEntry,
    entriesInMemory: Math.min(
      catalogue.items,
      MEMORY_ENTRIES,
      Math.floor(MEMORY_BYTES / memoryBytesPerEntry),
    ),
    flightShards: Math.max(MIN_SHARDS, shards),
  };
}
