import * as z from "zod/mini";
import { fromBase64, toBase64 } from "./base64.ts";
import type { Entry } from "./entry.ts";
import type { InvalidationKey } from "./invalidation-key.ts";

/**
 * The stored form of an entry is a text of four parts:
 *
 *     strata1\n<invalidation keys, tab-separated>\n<header as JSON>\n<body>
 *
 * The invalidation keys have a line of their own, so that the scripts in Redis read them without
 * parsing JSON. A binary body is encoded as base64.
 *
 * @see docs/storage-schema.md for the fields of the header
 */
const MAGIC = "strata1";

const Header = z.object({
  k: z.string(),
  a: z.boolean(),
  b: z.boolean(),
  e: z.string(),
  t: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]),
  o: z.number(),
  r: z.string(),
  c: z.number(),
  n: z.int(),
  i: z.exactOptional(z.number()),
  h: z.optional(z.tuple([z.int(), z.array(z.tuple([z.string(), z.string()]))])),
  x: z.optional(
    z.object({
      bornAt: z.exactOptional(z.number()),
      part: z.exactOptional(z.object({ first: z.int(), last: z.int(), total: z.int() })),
      variants: z.exactOptional(
        z.array(
          z.object({
            key: z.string(),
            selectors: z.array(z.tuple([z.string(), z.nullable(z.string())])),
            etag: z.string(),
            language: z.nullable(z.string()),
            encoding: z.exactOptional(z.nullable(z.string())),
            deleteAt: z.number(),
          }),
        ),
      ),
    }),
  ),
});

export function encodeEntry(entry: Entry): string {
  const { status, headers, ...more } = entry.http ?? { status: 0, headers: [] };
  const binary = typeof entry.body !== "string";
  const body = typeof entry.body === "string" ? entry.body : toBase64(entry.body);
  const header: z.infer<typeof Header> = {
    k: entry.key,
    a: entry.kind === "absent",
    b: binary,
    e: entry.etag,
    t: [entry.storedAt, entry.freshUntil, entry.staleUntil, entry.errorUntil, entry.deleteAt],
    o: entry.asOf,
    r: entry.era,
    c: entry.loadCost,
    n: body.length,
    ...(entry.currentAt !== undefined && { i: entry.currentAt }),
    ...(entry.http && {
      h: [status, headers.map(([name, value]): [string, string] => [name, value])],
      ...(Object.keys(more).length > 0 && { x: more as z.infer<typeof Header>["x"] }),
    }),
  };
  return `${MAGIC}\n${entry.invalidationKeys.join("\t")}\n${JSON.stringify(header)}\n${body}`;
}

/** Decodes an entry. Returns undefined if the text is not an entry of this version under this key. */
export function decodeEntry(key: string, text: string): Entry | undefined {
  const keysAt = MAGIC.length + 1;
  if (!text.startsWith(`${MAGIC}\n`)) return undefined;
  const headerAt = text.indexOf("\n", keysAt) + 1;
  const bodyAt = headerAt > 0 ? text.indexOf("\n", headerAt) + 1 : 0;
  if (bodyAt === 0) return undefined;
  try {
    const header = Header.parse(JSON.parse(text.slice(headerAt, bodyAt - 1)));
    const invalidationKeys = text.slice(keysAt, headerAt - 1).split("\t");
    const body = text.slice(bodyAt);
    // Rejects a text that was cut off, because an entry that lost invalidation keys could not be purged.
    const whole =
      invalidationKeys.includes("n:") &&
      invalidationKeys.includes(`k:${key}`) &&
      body.length === header.n;
    if (header.k !== key || !whole) return undefined;
    const [storedAt, freshUntil, staleUntil, errorUntil, deleteAt] = header.t;
    return {
      key,
      kind: header.a ? "absent" : "value",
      body: header.b ? fromBase64(body) : body,
      ...(header.h && { http: { status: header.h[0], headers: header.h[1], ...header.x } }),
      etag: header.e,
      invalidationKeys: (header.b
        ? copyOf(invalidationKeys)
        : invalidationKeys) as InvalidationKey[],
      storedAt,
      freshUntil,
      staleUntil,
      errorUntil,
      deleteAt,
      asOf: header.o,
      era: header.r,
      loadCost: header.c,
      ...(header.i !== undefined && { currentAt: header.i }),
    };
  } catch {
    // Another program wrote the text under this key, so the lookup is a miss.
    return undefined;
  }
}

/**
 * Copies texts. In V8 a slice keeps its whole source in memory, which wastes memory once the body
 * has been decoded from base64.
 */
function copyOf(parts: readonly string[]): unknown {
  return JSON.parse(JSON.stringify(parts));
}
