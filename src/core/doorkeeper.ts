/**
 * A doorkeeper: it remembers keys for a window, in memory that does not grow. Two Bloom filters take turns.
 * The current one takes the keys; the former one answers for the window before.
 *
 * @see Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017, section 3.4.2
 */
import { addKey, createBloom, mayHold } from "./bloom.ts";
import type { HashKey } from "./keyed-hash.ts";
import type { EpochMs, Millis } from "./time.ts";

export interface Doorkeeper {
  /**
   * Whether the key was added within the window. It forgets a key after at most two windows, or earlier
   * once more than `maxKeys` others were added. It takes about 1 key of 100 for another.
   */
  has(key: string, now: EpochMs): boolean;
  add(key: string, now: EpochMs): void;
}

export interface DoorkeeperOptions {
  readonly windowMs: Millis;
  /** The keys of one generation. A full one becomes the former one, also before its window is over. */
  readonly maxKeys: number;
  /** The secret of the hash, so that no client can compute keys that are taken for others. */
  readonly seed: HashKey;
}

/** The share of keys that were never added, for which a full generation says that they were. */
const FALSE_RATE = 0.005;

export function createDoorkeeper({ windowMs, maxKeys, seed }: DoorkeeperOptions): Doorkeeper {
  let current = createBloom(maxKeys, FALSE_RATE, seed);
  let former = createBloom(maxKeys, FALSE_RATE, seed);
  let count = 0;
  let since: EpochMs | undefined;

  function takeTurns(now: EpochMs): void {
    // The second condition holds if the clock was set back.
    if (since === undefined || now < since) since = now;
    const windows = Math.floor((now - since) / windowMs);
    if (windows === 0 && count < maxKeys) return;
    if (windows > 1) current.bytes.fill(0);
    [former, current] = [current, former];
    current.bytes.fill(0);
    count = 0;
    since = windows === 0 ? now : since + windows * windowMs;
  }

  return {
    has(key, now) {
      takeTurns(now);
      return mayHold(current, key) || mayHold(former, key);
    },
    add(key, now) {
      takeTurns(now);
      if (mayHold(current, key)) return;
      addKey(current, key);
      count++;
    },
  };
}
