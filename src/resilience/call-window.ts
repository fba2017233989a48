import type { EpochMs, Millis } from "../core/time.ts";

/** The window slides in steps of one part. */
const PARTS = 10;
/** The newest parts alone decide if they hold enough calls, so that an old success does not hide an outage. */
const NEWEST_PARTS = 2;

export interface CallCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** Counts the calls of the last `windowMs` milliseconds. */
export interface CallWindow {
  add(at: EpochMs, failed: boolean, slow: boolean): void;
  /** Returns the counts of the whole window. */
  counts(at: EpochMs): CallCounts;
  /**
   * Returns the counts of the newest parts of the window that together hold at least `minCalls`
   * calls. Returns undefined if the window holds fewer.
   */
  newest(at: EpochMs, minCalls: number): CallCounts | undefined;
  clear(): void;
}

interface Part {
  index: number;
  calls: number;
  failures: number;
  slow: number;
}

/** Creates an empty window. After a clock was set back, parts of the future count no more. */
export function createCallWindow(windowMs: Millis): CallWindow {
  const partMs = windowMs / PARTS;
  const parts: Part[] = Array.from({ length: PARTS }, () => emptyPart(-1));

  function sum(at: EpochMs, enough: (calls: number, parts: number) => boolean): CallCounts {
    const total = { calls: 0, failures: 0, slow: 0 };
    const newest = indexAt(at);
    for (let age = 0; age < PARTS && !enough(total.calls, age); age++) {
      const part = partAt(newest - age);
      if (part.index !== newest - age) continue;
      total.calls += part.calls;
      total.failures += part.failures;
      total.slow += part.slow;
    }
    return total;
  }

  function indexAt(at: EpochMs): number {
    return Math.floor(at / partMs);
  }

  function partAt(index: number): Part {
    // The fallback is for the types: `slot` is a valid index of `parts`.
    const slot = ((index % PARTS) + PARTS) % PARTS;
    return (parts[slot] ??= emptyPart(index));
  }

  return {
    add(at, failed, slow) {
      const index = indexAt(at);
      const part = partAt(index);
      if (part.index !== index) Object.assign(part, emptyPart(index));
      part.calls++;
      if (failed) part.failures++;
      if (slow) part.slow++;
    },
    counts: (at) => sum(at, () => false),
    newest(at, minCalls) {
      const counts = sum(at, (calls, age) => age >= NEWEST_PARTS && calls >= minCalls);
      return counts.calls >= minCalls ? counts : undefined;
    },
    clear() {
      for (const part of parts) Object.assign(part, emptyPart(-1));
    },
  };
}

function emptyPart(index: number): Part {
  return { index, calls: 0, failures: 0, slow: 0 };
}
