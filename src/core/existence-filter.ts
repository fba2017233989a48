/** What is stored of all keys of one kind that exist, and how it is written down. */
import * as z from "zod/mini";
import { fromBase64, toBase64 } from "./base64.ts";
import { addKey, createBloom, type Bloom } from "./bloom.ts";
import type { LogPosition } from "./entry.ts";
import type { Context } from "./context.ts";
import type { Result } from "./result.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The keys of one kind, as of a moment of the log that came BEFORE they were listed. */
export interface ExistenceFilter extends LogPosition {
  readonly bloom: Bloom;
  readonly builtAt: EpochMs;
  readonly count: number;
}

/** Where filters are kept for all isolates. */
export interface FilterStore {
  load(kind: string, ctx: Context): Promise<Result<string | undefined>>;
  save(kind: string, text: string, ttlMs: Millis, ctx: Context): Promise<Result<void>>;
}

/** `strata-exists1\n<header as JSON>\n<bits in base64>` */
const MAGIC = "strata-exists1";

const Header = z.object({
  asOf: z.number(),
  era: z.string(),
  builtAt: z.number(),
  count: z.int(),
  hashes: z.int(),
  bytes: z.int(),
});

/** The filter of these keys; `rate` is the share of keys that do not exist and pass all the same. */
export function createFilter(
  keys: readonly string[],
  rate: number,
  moment: LogPosition,
  builtAt: EpochMs,
): ExistenceFilter {
  const bloom = createBloom(keys.length, rate);
  for (const key of keys) addKey(bloom, key);
  return { ...moment, bloom, builtAt, count: keys.length };
}

export function encodeFilter({ bloom, ...rest }: ExistenceFilter): string {
  const { bytes, hashes } = bloom;
  const { asOf, era, builtAt, count } = rest;
  const header = { asOf, era, builtAt, count, hashes, bytes: bytes.length };
  return `${MAGIC}\n${JSON.stringify(header)}\n${toBase64(bytes)}`;
}

/** The filter, or undefined if the text is not a whole one of this version. */
export function decodeFilter(text: string): ExistenceFilter | undefined {
  const [magic, header = "", body = ""] = text.split("\n");
  if (magic !== MAGIC) return undefined;
  try {
    const { hashes, bytes: length, ...rest } = Header.parse(JSON.parse(header));
    const bytes = fromBase64(body);
    // Cut off, bits are missing: keys that exist would be denied.
    if (bytes.length !== length || length === 0 || hashes < 1) return undefined;
    return { ...rest, bloom: { bytes, hashes } };
  } catch {
    // Something else wrote here: no filter, by contract.
    return undefined;
  }
}
