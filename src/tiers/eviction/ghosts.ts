import { seededHash } from "../../core/hash.ts";

/** What is remembered of the keys that were given up last. */
export interface Ghosts {
  /** Of a cache that holds `held` entries: between a quarter and a half as many are remembered. */
  add(key: string, held: number): void;
  has(key: string): boolean;
  clear(): void;
}

/** Of those that are remembered, the share in each of the two generations. */
const GENERATION = 1 / 4;

/**
 * Fingerprints of 30 bits, small integers to V8, so that the memory does not
 * depend on the keys. Two generations: when the younger is full the elder goes.
 */
export function createGhosts(): Ghosts {
  let younger = new Set<number>();
  let elder = new Set<number>();
  return {
    add(key, held) {
      if (younger.size >= held * GENERATION) {
        elder = younger;
        younger = new Set();
      }
      younger.add(fingerprint(key));
    },
    has(key) {
      const print = fingerprint(key);
      return younger.has(print) || elder.has(print);
    },
    clear() {
      younger.clear();
      elder.clear();
    },
  };
}

const fingerprint = (key: string): number => seededHash(key, 0x811c9dc5) >>> 2;
