import fc from "fast-check";
import type { Entry } from "../../src/core/entry.ts";
import { derivedInvalidationKeys, type InvalidationKey } from "../../src/core/invalidation-key.ts";

/** A complete entry: stored at 1,000,000 and fresh for 1 minute, unless `fields` says otherwise. */
export function entryOf(fields: Partial<Entry> = {}): Entry {
  const key = fields.key ?? "product:1";
  const storedAt = fields.storedAt ?? 1_000_000;
  const freshUntil = fields.freshUntil ?? storedAt + 60_000;
  return {
    key,
    kind: "value",
    body: '{"a":1}',
    etag: '"e1"',
    invalidationKeys: derivedInvalidationKeys(key),
    storedAt,
    freshUntil,
    staleUntil: freshUntil,
    errorUntil: freshUntil,
    deleteAt: freshUntil,
    asOf: 100,
    era: "era-1",
    loadCost: 5,
    ...fields,
  };
}

/** The invalidation keys of an entry of `key` with these tags. */
export function invalidationKeysOf(key: string, ...tags: readonly string[]): InvalidationKey[] {
  return [...derivedInvalidationKeys(key), ...tags.map((tag): InvalidationKey => `t:${tag}`)];
}

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\n", "\t", "\0", "\\", '"', "strata1", "\ufeff", "é", "😀") }),
);

/** Valid response headers: names are tokens, values have no line ends. */
const http = fc.record(
  {
    status: fc.integer({ min: 200, max: 599 }),
    headers: fc.array(
      fc.tuple(fc.stringMatching(/^[a-z-]{1,12}$/), fc.stringMatching(/^[\x20-\x7e]{0,24}$/)),
      { maxLength: 4 },
    ),
  },
  { noNullPrototype: true },
);

/** Entries with any content that a load can produce. */
export const arbitraryEntry: fc.Arbitrary<Entry> = fc
  .record({
    key: fc.stringMatching(/^[a-z]{1,6}:[\x21-\x7e]{0,12}$/),
    kind: fc.constantFrom<Entry["kind"]>("value", "absent"),
    body: fc.oneof(texts, fc.uint8Array({ maxLength: 64 })),
    etag: fc.stringMatching(/^(?:W\/)?"[!#-~]{0,12}"$/),
    tags: fc.uniqueArray(fc.stringMatching(/^[^\p{C}]{1,8}$/u), { maxLength: 4 }),
    storedAt: fc.nat(),
    lives: fc.array(fc.nat({ max: 100_000 }), { minLength: 4, maxLength: 4 }),
    asOf: fc.maxSafeNat(),
    era: fc.oneof(fc.uuid(), fc.constant("")),
    loadCost: fc.nat({ max: 10_000 }),
    http: fc.option(http, { nil: undefined }),
    currentAt: fc.option(fc.nat(), { nil: undefined }),
  })
  .map(({ tags, lives, http, currentAt, key, storedAt, kind, ...rest }): Entry => {
    const [a = 0, b = 0, c = 0, d = 0] = lives;
    return {
      ...rest,
      key,
      kind,
      invalidationKeys: invalidationKeysOf(key, ...tags),
      storedAt,
      freshUntil: storedAt + a,
      staleUntil: storedAt + a + b,
      errorUntil: storedAt + a + b + c,
      deleteAt: storedAt + a + b + c + d,
      ...(http !== undefined && { http }),
      ...(currentAt !== undefined && { currentAt }),
    };
  });
