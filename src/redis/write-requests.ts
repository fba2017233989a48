/** Divides the entries of one write among requests that Upstash accepts. */
import type { Millis } from "../core/time.ts";

/** An entry as Redis stores it. */
export interface StoredText {
  /** The key of the entry, as the engine knows it. */
  readonly key: string;
  readonly text: string;
  readonly ttlMs: Millis;
}

/**
 * The most characters that one request carries, but for an entry that is longer by itself. JSON
 * writes a character with at most six bytes, so a request has at most 5.4 MB of them.
 *
 * Upstash refuses requests over 10 MB on the plans "Free" and "Pay as you go".
 *
 * @see https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded
 */
const REQUEST_CHARS = 900_000;

/** Divides the entries in order. An entry that does not fit into a request begins the next one. */
export function requestsOf(entries: readonly StoredText[]): StoredText[][] {
  const requests: StoredText[][] = [];
  let chars = Infinity;
  for (const entry of entries) {
    const length = entry.key.length + entry.text.length;
    if (chars + length > REQUEST_CHARS) {
      requests.push([]);
      chars = 0;
    }
    requests.at(-1)?.push(entry);
    chars += length;
  }
  return requests;
}
