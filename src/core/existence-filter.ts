/** Existence filters: Bloom filters of the keys of one kind that exist, and their stored form. */
import * as z from "zod/mini";
import { fromBase64, toBase64 } from "./base64.ts";
import { addKey, createBloom, type Bloom } from "./bloom.ts";
import type { HashKey } from "./keyed-hash.ts";
import type { LogPosition } from "./entry.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The keys of one kind that exist. `asOf` and `era` are the log position BEFORE the keys were listed. */
export interface ExistenceFilter extends LogPosition {
  readonly bloom: Bloom;
  readonly builtAt: EpochMs;
  /** The number of keys that were listed. */
  readonly count: number;
}

/** The store of filters that all isolates share. A filter is stored as a text. */
export interface FilterStore {
  load(kind: string, ctx: Context): Promise<Result<string | undefined>>;
  save(kind: string, text: string, ttlMs: Millis, ctx: Context): Promise<Result<void>>;
  /**
   * Claims the next replacement of the filter. Returns false if an isolate claimed it less than `forMs`
   * ago.
   */
  claim(kind: string, forMs: Millis, ctx: Context): Promise<Result<boolean>>;
}

/**
 * The first line of the stored form `strata-exists2\n<header as JSON>\n<bits in base64>`. Filters of
 * version 1 had a hash without a secret. They are not read, so the next run of the cron trigger
 * replaces them.
 */
const MAGIC = "strata-exists2";

const Header = z.object({
  asOf: z.number(),
  era: z.string(),
  builtAt: z.number(),
  count: z.int(),
  hashes: z.int(),
  bytes: z.int(),
  seed: z.tuple([z.int(), z.int()]),
});

/**
 * Creates the filter of all keys of a kind.
 *
 * @param rate the share of the keys that do not exist for which the filter answers "perhaps"
 * @param position the log position before the keys were listed
 * @param seed the secret of the filter's hash; a new one for each filter
 */
export function createFilter(
  keys: readonly string[],
  rate: number,
  position: LogPosition,
  builtAt: EpochMs,
  seed: HashKey,
): ExistenceFilter {
  const bloom = createBloom(keys.length, rate, seed);
  for (const key of keys) addKey(bloom, key);
  return { ...position, bloom, builtAt, count: keys.length };
}

export function encodeFilter({ bloom, ...rest }: ExistenceFilter): string {
  const { bytes, hashes, seed } = bloom;
  const { asOf, era, builtAt, count } = rest;
  const header = { asOf, era, builtAt, count, hashes, bytes: bytes.length, seed };
  return `${MAGIC}\n${JSON.stringify(header)}\n${toBase64(bytes)}`;
}

/** Decodes a filter. Returns undefined if the text is not a complete filter of this version. */
export function decodeFilter(text: string): ExistenceFilter | undefined {
  const [magic, header = "", body = ""] = text.split("\n");
  if (magic !== MAGIC) return undefined;
  try {
    const { hashes, bytes: length, seed, ...rest } = Header.parse(JSON.parse(header));
    const bytes = fromBase64(body);
    // Rejects a filter that was cut off, because it lacks bits and would exclude keys that exist.
    if (bytes.length !== length || length === 0 || hashes < 1) return undefined;
    return { ...rest, bloom: { bytes, hashes, seed } };
  } catch {
    // Another program wrote the text under this key, so it is not a filter.
    return undefined;
  }
}
