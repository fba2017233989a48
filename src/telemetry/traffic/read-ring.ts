import type { EpochMs } from "../../core/time.ts";
import type { ReadColumns } from "../../core/traffic.ts";

/** One recorded read; see `ReadColumns`. */
export interface RecordedRead {
  readonly hash: number;
  readonly at: EpochMs;
  readonly age: number;
  readonly count: number;
  readonly invalidated: boolean;
}

/** The last reads, in columns of numbers: 21 bytes for each read. */
export interface ReadRing {
  /** Adds a read. Returns the hash of the key whose read it replaces, if the ring is full. */
  push(read: RecordedRead): number | undefined;
  /** Returns the reads of the keys that `isKept` accepts, the oldest first. */
  columns(isKept: (hash: number) => boolean): ReadColumns;
}

export function createReadRing(capacity: number): ReadRing {
  const ring = createColumns(capacity);
  let size = 0;
  let next = 0;

  return {
    push({ hash, at, age, count, invalidated }) {
      const overwritten = size === capacity ? ring.hash[next] : undefined;
      ring.hash[next] = hash;
      ring.at[next] = at;
      ring.age[next] = age;
      ring.count[next] = count;
      ring.invalidated[next] = Number(invalidated);
      next = (next + 1) % capacity;
      size = Math.min(capacity, size + 1);
      return overwritten;
    },

    columns(isKept) {
      const order = Array.from({ length: size }, (_, i) => (next - size + i + capacity) % capacity);
      const kept = order.filter((index) => isKept(ring.hash[index] ?? 0));
      const copy = createColumns(kept.length);
      for (const [i, index] of kept.entries()) {
        copy.hash[i] = ring.hash[index] ?? 0;
        copy.at[i] = ring.at[index] ?? 0;
        copy.age[i] = ring.age[index] ?? 0;
        copy.count[i] = ring.count[index] ?? 0;
        copy.invalidated[i] = ring.invalidated[index] ?? 0;
      }
      return copy;
    },
  };
}

function createColumns(length: number): ReadColumns {
  return {
    hash: new Uint32Array(length),
    at: new Float64Array(length),
    age: new Uint32Array(length),
    count: new Uint32Array(length),
    invalidated: new Uint8Array(length),
  };
}
