import { fromBase64, toBase64 } from "./base64.ts";
import { isWide } from "./entry-size.ts";
import type { Dated, Entry, HttpMeta } from "./entry.ts";
import type { InvalidationKey } from "./invalidation-key.ts";
import { isFlag, isInteger, isNumber, isText, listOf, objectOf, orNull, tupleOf } from "./shape.ts";

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

/** The header as JSON. Its fields have short names, because Redis keeps it for every entry. */
interface Header {
  readonly k: string;
  readonly a: boolean;
  readonly b: boolean;
  readonly e: string;
  readonly t: readonly [number, number, number, number, number];
  readonly o: number;
  readonly r: string;
  readonly c: number;
  readonly n: number;
  readonly i?: number | undefined;
  readonly p?: boolean | undefined;
  readonly h?: readonly [status: number, headers: HttpMeta["headers"]] | undefined;
  readonly x?: Omit<HttpMeta, "status" | "headers"> | undefined;
}

const hasHeaderShape = objectOf(
  {
    k: isText,
    a: isFlag,
    b: isFlag,
    e: isText,
    t: tupleOf(isNumber, isNumber, isNumber, isNumber, isNumber),
    o: isNumber,
    r: isText,
    c: isNumber,
    n: isInteger,
  },
  {
    i: isNumber,
    p: isFlag,
    h: tupleOf(isInteger, listOf(tupleOf(isText, isText))),
    x: objectOf(
      {},
      {
        bornAt: isNumber,
        part: objectOf({ first: isInteger, last: isInteger, total: isInteger }),
        variants: listOf(
          objectOf(
            {
              key: isText,
              selectors: listOf(tupleOf(isText, orNull(isText))),
              etag: isText,
              language: orNull(isText),
              deleteAt: isNumber,
            },
            { encoding: orNull(isText) },
          ),
        ),
      },
    ),
  },
);

function isHeader(value: unknown): value is Header {
  return hasHeaderShape(value);
}

export function encodeEntry(entry: Entry): string {
  const { status, headers, ...more } = entry.http ?? { status: 0, headers: [] };
  const binary = typeof entry.body !== "string";
  const body = typeof entry.body === "string" ? entry.body : toBase64(entry.body);
  const header: Header = {
    k: entry.key,
    a: entry.kind === "absent",
    b: binary,
    e: entry.etag,
    t: [entry.storedAt, entry.freshUntil, entry.staleUntil, entry.errorUntil, entry.deleteAt],
    o: entry.asOf,
    r: entry.era,
    c: entry.loadCost,
    n: body.length,
    // JSON leaves out the fields that are undefined.
    i: entry.currentAt,
    p: entry.ofPolicy,
    h: entry.http && [status, headers],
    x: Object.keys(more).length > 0 ? more : undefined,
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
    const header: unknown = JSON.parse(text.slice(headerAt, bodyAt - 1));
    if (!isHeader(header)) return undefined;
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
      body: header.b ? fromBase64(body) : aloneOf(body, text.slice(0, bodyAt)),
      ...(header.h && { http: { status: header.h[0], headers: header.h[1], ...header.x } }),
      etag: header.e,
      invalidationKeys: copyOf(invalidationKeys) as InvalidationKey[],
      storedAt,
      freshUntil,
      staleUntil,
      errorUntil,
      deleteAt,
      asOf: header.o,
      era: header.r,
      loadCost: header.c,
      ...(header.i !== undefined && { currentAt: header.i }),
      ...(header.p === true && { ofPolicy: true }),
    };
  } catch {
    // Another program wrote the text under this key, so the lookup is a miss.
    return undefined;
  }
}

/** A body with a longer head than this share of it is copied, so that it does not keep the head in memory. */
const HEAD_SHARE = 1 / 20;

/**
 * Returns the fields of an encoded entry by which it is validated, without its body. Undefined if the
 * text does not hold the whole header.
 */
export function datedOf(text: string): Dated | undefined {
  const [magic, line, header, body] = text.split("\n", 4);
  if (magic !== MAGIC || line === undefined || header === undefined || body === undefined)
    return undefined;
  try {
    const { o, r } = JSON.parse(header) as Header;
    return { invalidationKeys: line.split("\t") as InvalidationKey[], asOf: o, era: r };
  } catch {
    return undefined;
  }
}

/**
 * Returns the body of a text, copied if it would take much more memory than its characters do: in V8 a
 * slice keeps its whole source, which has two bytes for each character if one needs them.
 */
function aloneOf(body: string, head: string): string {
  const isAlone = head.length <= body.length * HEAD_SHARE && (!isWide(head) || isWide(body));
  return isAlone ? body : (copyOf(body) as string);
}

/** Copies a text, or the texts of a list. */
function copyOf(texts: string | readonly string[]): unknown {
  return JSON.parse(JSON.stringify(texts));
}
