import type { EpochMs } from "../../core/time.ts";
import type { ReadColumns } from "../../core/traffic.ts";

/** One recorded read; see `ReadColumns`. */
export interface RecordedRead {
  readonly hash: number;
  readonly at: EpochMs;
  readonly age: number;
  readonly reads: number;
  readonly memoryMisses: number;
  readonly misses: number;
  readonly invalidated: boolean;
}

/** A read that a newer one has replaced. */
export interface OverwrittenRead {
  readonly hash: number;
  readonly at: EpochMs;
}

/** The last reads, in columns of numbers: 29 bytes for each read. */
export interface ReadRing {
  /** Adds a read. Returns the read that it replaces, if the ring is full. */
  push(read: RecordedRead): OverwrittenRead | undefined;
  /** Returns the reads of the keys that `isKept` accepts, the oldest first. */
  columns(isKept: (hash: number) => boolean): ReadColumns;
}

/** Creates a ring. It takes its memory with the first read. */
export function createReadRing(capacity: number): ReadRing {
  let columns = createColumns(0);
  let size = 0;
  let next = 0;

  return {
    push(read) {
      if (size === 0) columns = createColumns(capacity);
      const overwritten =
        size === capacity
          ? { hash: columns.hash[next] ?? 0, at: columns.at[next] ?? 0 }
          : undefined;
      write(columns, next, read);
      next = (next + 1) % capacity;
      size = Math.min(capacity, size + 1);
      return overwritten;
    },

    columns(isKept) {
      const order = Array.from({ length: size }, (_, i) => (next - size + i + capacity) % capacity);
      const kept = order.filter((index) => isKept(columns.hash[index] ?? 0));
      const copy = createColumns(kept.length);
      for (const [to, from] of kept.entries())
        write(copy, to, {
          hash: columns.hash[from] ?? 0,
          at: columns.at[from] ?? 0,
          age: columns.age[from] ?? 0,
          reads: columns.reads[from] ?? 0,
          memoryMisses: columns.memoryMisses[from] ?? 0,
          misses: columns.misses[from] ?? 0,
          invalidated: columns.invalidated[from] === 1,
        });
      return copy;
    },
  };
}

function write(to: ReadColumns, index: number, read: RecordedRead): void {
  to.hash[index] = read.hash;
  to.at[index] = read.at;
  to.age[index] = read.age;
  to.reads[index] = read.reads;
  to.memoryMisses[index] = read.memoryMisses;
  to.misses[index] = read.misses;
  to.invalidated[index] = Number(read.invalidated);
}

function createColumns(length: number): ReadColumns {
  return {
    hash: new Uint32Array(length),
    at: new Float64Array(length),
    age: new Uint32Array(length),
    reads: new Uint32Array(length),
    memoryMisses: new Uint32Array(length),
    misses: new Uint32Array(length),
    invalidated: new Uint8Array(length),
  };
}
