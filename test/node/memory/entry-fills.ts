/** A Worker that fills the memory tier with entries of one kind, as they come from a load or from another tier. */
import { decodeEntry, encodeEntry } from "../../../src/core/codec.ts";
import type { Entry, Variant } from "../../../src/core/entry.ts";
import {
  derivedInvalidationKeys,
  type InvalidationKey,
} from "../../../src/core/invalidation-key.ts";
import { createMemoryTier } from "../../../src/tiers/memory.ts";
import { holding, type Filled } from "./holding.ts";

let made = 0;

/** Copies a text, so that it shares no memory with another one. */
const copyOf = (text: string): string => JSON.parse(JSON.stringify(text)) as string;

/** A text of a length, which no other text is equal to. */
function textOf(chars: number, filler = "x"): string {
  return copyOf(String(++made).padStart(8, "0").padEnd(chars, filler));
}

function keyOf(chars = 15): string {
  return copyOf(`product:${String(++made).padStart(chars - 8, "0")}`);
}

/** `count` texts that begin with `prefix`. */
function texts(count: number, prefix: string): string[] {
  return Array.from({ length: count }, () => copyOf(`${prefix}${++made}`));
}

interface Parts {
  readonly body: string | Uint8Array;
  readonly key?: string;
  readonly tags?: readonly string[];
  readonly headers?: readonly (readonly [string, string])[];
  readonly variants?: readonly Variant[];
}

function entryOf({ body, key = keyOf(), tags = [], headers, variants }: Parts): Entry {
  const storedAt = 1_790_000_000_000 + made;
  return {
    key,
    kind: "value",
    body,
    ...(headers && { http: { status: 200, headers, ...(variants && { variants }) } }),
    etag: textOf(24),
    invalidationKeys: [
      ...derivedInvalidationKeys(key),
      ...tags.map((tag) => copyOf(`t:${tag}`) as InvalidationKey),
    ],
    storedAt,
    freshUntil: storedAt + 60_000,
    staleUntil: storedAt + 70_000,
    errorUntil: storedAt + 80_000,
    deleteAt: storedAt + 90_000,
    asOf: 1_790_000_000_000_000 + made,
    era: "0f8fad5b-d9cb-469f-a165-70867728950e",
    loadCost: 5,
    ofPolicy: true,
  };
}

function variantOf(chars: number): Variant {
  return {
    key: keyOf(60),
    selectors: [
      ["accept", textOf(chars)],
      ["accept-language", textOf(12)],
    ],
    etag: textOf(24),
    language: null,
    encoding: null,
    deleteAt: 1_790_000_000_000 + made,
  };
}

/** The kinds of entries, and how to make one. */
const KINDS: Readonly<Record<string, () => Parts>> = {
  ...Object.fromEntries(
    [50, 200, 800, 4_000, 65_536, 1_048_576].flatMap((size) => [
      [`a one-byte text of ${size}`, () => ({ body: textOf(size) })],
      [`a two-byte text of ${size}`, () => ({ body: textOf(size, "Ω") })],
      [`${size} bytes`, () => ({ body: new Uint8Array(size).fill(++made) })],
    ]),
  ),
  "16 tags": () => ({ body: textOf(200), tags: texts(16, "category:") }),
  "64 tags": () => ({ body: textOf(200), tags: texts(64, "category:") }),
  "128 tags": () => ({ body: textOf(200), tags: texts(128, "c") }),
  "64 two-byte tags": () => ({ body: textOf(200), tags: texts(64, "κατηγορία:") }),
  "a two-byte tag and a text of 4000": () => ({ body: textOf(4_000), tags: texts(1, "κ") }),
  "a two-byte tag and a text of 65536": () => ({ body: textOf(65_536), tags: texts(1, "κ") }),
  "a key of 500": () => ({ body: textOf(200), key: keyOf(500) }),
  "a key of five parts": () => ({
    body: textOf(200),
    key: copyOf(`stock:eu:${++made}:product:${++made}`),
  }),
  "12 header fields": () => ({
    body: textOf(200),
    headers: texts(12, "x-field-").map((name) => [name, textOf(20)] as const),
  }),
  "4 header fields of 1000": () => ({
    body: textOf(200),
    headers: texts(4, "x-field-").map((name) => [name, textOf(1_000)] as const),
  }),
  "20 variants": () => ({
    body: "",
    headers: [],
    variants: Array.from({ length: 20 }, () => variantOf(20)),
  }),
  "64 variants by a long field": () => ({
    body: "",
    headers: [],
    variants: Array.from({ length: 64 }, () => variantOf(1_000)),
  }),
  "a binary body with header fields": () => ({
    body: new Uint8Array(2_000).fill(++made),
    headers: texts(8, "x-field-").map((name) => [name, textOf(30)] as const),
    tags: texts(4, "category:"),
  }),
};

/** So much of each kind: a growth that small changes elsewhere in the isolate do not matter to. */
const FILLED_BYTES = 4 * 2 ** 20;
const MOST_ENTRIES = 2_000;

/** An entry as another tier has it: its text comes over the network in one piece. */
function readFromTier(entry: Entry): Entry {
  const read = decodeEntry(entry.key, copyOf(encodeEntry(entry)));
  if (read === undefined) throw new Error("the text is no entry");
  return read;
}

/** The names by which a log view looks for the numbers of entries. A text that has been looked for is in one piece. */
const NUMBERS = new Map<string, number>();

function fill(make: () => Parts, through: (entry: Entry) => Entry): Filled {
  const memory = createMemoryTier({ maxBytes: FILLED_BYTES, maxEntries: MOST_ENTRIES });
  const put = (): void => {
    const entry = through(entryOf(make()));
    memory.put(entry, 0);
    for (const name of entry.invalidationKeys) NUMBERS.get(name);
  };
  put();
  const count = Math.min(MOST_ENTRIES, Math.floor(FILLED_BYTES / memory.stats().bytes / 1.05));
  for (let entries = 1; entries < count; entries++) put();
  return { held: memory, answer: memory.stats() };
}

const names = Object.keys(KINDS);

export default holding({
  names: () => ({ held: undefined, answer: names }),
  ...Object.fromEntries(
    Object.entries(KINDS).flatMap(([name, make]) => [
      [`loaded/${name}`, () => fill(make, (entry) => entry)],
      [`read/${name}`, () => fill(make, readFromTier)],
    ]),
  ),
});
