import { seededHash } from "../../core/hash.ts";

/** Remembers the keys that were evicted last. */
export interface Ghosts {
  /** Adds an evicted key. The ghosts of a tier with `entries` entries are a quarter to half as many. */
  add(key: string, entries: number): void;
  has(key: string): boolean;
  clear(): void;
}

/** The size of one generation, as a share of the entries in the tier. */
const GENERATION_SHARE = 1 / 4;

/**
 * Stores fingerprints of 30 bits, which V8 keeps as small integers, so that the memory does not
 * depend on the length of the keys. There are two generations: when the younger is full, it
 * replaces the elder.
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
