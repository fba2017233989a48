/** Turns an entry into one whose body is ciphertext, and back: AES-GCM with 256 bits by WebCrypto. */
import type { Entry, HttpMeta } from "../core/entry.ts";
import type { RandomBytes } from "../core/random.ts";

/** One key with its name. */
export interface CipherKey {
  readonly id: string;
  /** Returns the imported key. It is imported with the first use. */
  readonly key: () => Promise<CryptoKey>;
}

export interface EntryCipher {
  seal(entry: Entry): Promise<Entry>;
  /** Returns undefined if none of the keys decrypts the entry, or if it is not encrypted. */
  unseal(entry: Entry): Promise<Entry | undefined>;
}

/**
 * The body of a sealed entry: this byte, the length of the key's id, the id, the initialization vector,
 * and the ciphertext with its tag.
 */
const VERSION = 1;
/** NIST SP 800-38D, section 8.2.2: a random vector has 96 bits. */
const IV_BYTES = 12;

/** The encrypted part of an entry beside its body. */
interface Sealed {
  readonly etag: string;
  /** How the bytes after this header become the body. */
  readonly as: "text" | "bytes" | "json";
  readonly http?: HttpMeta;
}

/**
 * Creates the cipher of a namespace. The first key encrypts, and all decrypt. The namespace, the key and
 * every field that stays readable are additional data of the encryption, so that a stored entry cannot
 * be moved to another key, get another lifetime, or lose a tag.
 */
export function createEntryCipher(
  namespace: string,
  keys: readonly CipherKey[],
  randomBytes: RandomBytes,
): EntryCipher {
  const byId = new Map(keys.map(({ id, key }) => [id, key]));

  return {
    async seal(entry) {
      const [first] = keys;
      if (first === undefined) throw new TypeError("a cipher has at least one key");
      const iv = randomBytes(IV_BYTES);
      const parameters = { name: "AES-GCM", iv, additionalData: boundOf(namespace, entry) };
      const content = await crypto.subtle.encrypt(parameters, await first.key(), plainOf(entry));
      const id = new TextEncoder().encode(first.id);
      const body = concat(Uint8Array.of(VERSION, id.length), id, iv, new Uint8Array(content));
      const { http: _, ...readable } = entry;
      return { ...readable, body, etag: "" };
    },

    async unseal(entry) {
      const { body } = entry;
      if (typeof body === "string" || body[0] !== VERSION) return undefined;
      const ivAt = 2 + (body[1] ?? 0);
      const contentAt = ivAt + IV_BYTES;
      const key = byId.get(new TextDecoder().decode(body.subarray(2, ivAt)));
      if (key === undefined) return undefined;
      try {
        const parameters = {
          name: "AES-GCM",
          iv: body.slice(ivAt, contentAt),
          additionalData: boundOf(namespace, entry),
        };
        const plain = await crypto.subtle.decrypt(parameters, await key(), body.slice(contentAt));
        return withPlain(entry, new Uint8Array(plain));
      } catch {
        // Another key, or a text that was changed or moved.
        return undefined;
      }
    },
  };
}

/** Returns the fields that stay readable, as one text. */
function boundOf(namespace: string, entry: Entry): Uint8Array<ArrayBuffer> {
  const { key, kind, invalidationKeys, storedAt, freshUntil, staleUntil, errorUntil } = entry;
  const { deleteAt, asOf, era, loadCost, currentAt = null, ofPolicy = false } = entry;
  const times = [storedAt, freshUntil, staleUntil, errorUntil, deleteAt, loadCost, currentAt];
  return encode(
    JSON.stringify([VERSION, namespace, key, kind, invalidationKeys, times, asOf, era, ofPolicy]),
  );
}

function plainOf({ body, etag, http }: Entry): Uint8Array<ArrayBuffer> {
  // UTF-8 cannot express a lone surrogate; JSON can.
  const as = typeof body !== "string" ? "bytes" : body.isWellFormed() ? "text" : "json";
  const header: Sealed = { etag, as, ...(http && { http }) };
  const bytes =
    typeof body === "string" ? encode(as === "json" ? JSON.stringify(body) : body) : body;
  return concat(encode(`${JSON.stringify(header)}\n`), bytes);
}

function withPlain(entry: Entry, plain: Uint8Array): Entry {
  const bodyAt = plain.indexOf(LINE_FEED) + 1;
  const { etag, as, http } = JSON.parse(decode(plain.subarray(0, bodyAt))) as Sealed;
  const bytes = plain.subarray(bodyAt);
  const body = as === "bytes" ? bytes : as === "text" ? decode(bytes) : JSON.parse(decode(bytes));
  return { ...entry, body: body as Entry["body"], etag, ...(http && { http }) };
}

const LINE_FEED = 10;

function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text));
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
