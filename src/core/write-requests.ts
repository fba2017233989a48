/** Divides the entries of one write among requests of a bounded size. */
import type { Millis } from "./time.ts";

/** An entry as the shared store keeps it. */
export interface StoredText {
  /** The key of the entry, as the engine knows it. */
  readonly key: string;
  readonly text: string;
  readonly ttlMs: Millis;
}

/**
 * Divides the entries in order among requests of at most `maxChars` characters. An entry that is
 * longer by itself has a request of its own.
 */
export function requestsOf(entries: readonly StoredText[], maxChars: number): StoredText[][] {
  const requests: StoredText[][] = [];
  let chars = Infinity;
  for (const entry of entries) {
    const length = entry.key.length + entry.text.length;
    if (chars + length > maxChars) {
      requests.push([]);
      chars = 0;
    }
    requests.at(-1)?.push(entry);
    chars += length;
  }
  return requests;
}
