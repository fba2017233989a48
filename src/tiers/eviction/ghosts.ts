import { seededHash } from "../../core/hash.ts";

/** The keys that were evicted last. They are called ghosts. */
export interface Ghosts {
  /**
   * Adds an evicted key. In a tier with `entries` entries, the number of ghosts is between a
   * quarter and a half of that.
   */
  add(key: string, entries: number): void;
  has(key: string): boolean;
  clear(): void;
}

/** The most keys in one generation, as a share of the entries in the tier. */
const GENERATION_SHARE = 1 / 4;

/**
 * Remembers keys as fingerprints of 30 bits, which V8 stores as small integers, so that the memory
 * does not depend on the length of the keys. There are two generations of keys. When the younger
 * generation is full, it replaces the elder one.
 */
export function createGhosts(): Ghosts {
  let younger = new Set<number>();
  let elder = new Set<number>();
  return {
    add(key, entries) {
      if (younger.size >= entries * GENERATION_SHARE) {
        elder = younger;
        younger = new Set();
      }
      younger.add(fingerprint(key));
    },
    has(key) {
      const hash = fingerprint(key);
      return younger.has(hash) || elder.has(hash);
    },
    clear() {
      younger.clear();
      elder.clear();
    },
  };
}

const fingerprint = (key: string): number => seededHash(key, 0x811c9dc5) >>> 2;
