import { done } from "../core/faults.ts";
import { sizeOf, type Entry } from "../core/entry.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { EpochMs } from "../core/time.ts";
import type { EvictionOrder, Node } from "./eviction/order.ts";
import { createSieve } from "./eviction/sieve.ts";

export interface MemoryTierOptions {
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Larger entries are not kept: one of them would push out too many others. Default: `maxBytes`. */
  readonly maxEntryBytes?: number;
  /** Told of an entry that was too large. */
  readonly onRefuse?: (key: string) => void;
  /** In which order entries are given up; a new one for each tier. Default SIEVE. */
  readonly eviction?: EvictionOrder;
}

/**
 * The tier in the isolate's heap, bounded in bytes and entries. What has to go
 * when it is full is the eviction order's decision; an entry over
 * `maxEntryBytes` is not kept at all.
 *
 * @example createMemoryTier({ maxBytes: 32 * 2 ** 20, maxEntries: 20_000, eviction: createLru() })
 */
export function createMemoryTier(options: MemoryTierOptions): MemoryTier {
  const { maxBytes, maxEntries, onRefuse, eviction: order = createSieve() } = options;
  const maxEntryBytes = Math.min(maxBytes, options.maxEntryBytes ?? maxBytes);
  const nodes = new Map<string, Node>();
  let bytes = 0;
  let evictions = 0;

  function peek(key: string): Entry | undefined {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    order.visit(node);
    return node.entry;
  }

  function put(entry: Entry, now: EpochMs): void {
    const size = sizeOf(entry);
    const present = nodes.get(entry.key);
    const tooBig = size > maxEntryBytes;
    if (tooBig || entry.deleteAt <= now) {
      if (present !== undefined) drop(present);
      if (tooBig) onRefuse?.(entry.key);
      return;
    }
    if (present === undefined) {
      // Room is made first: the newcomer has not had its chance to be visited.
      while (nodes.size > 0 && (bytes + size > maxBytes || nodes.size >= maxEntries)) evict();
      const node = nodeOf(entry, size);
      nodes.set(entry.key, node);
      bytes += size;
      order.add(node);
      return;
    }
    bytes += size - present.bytes;
    present.entry = entry;
    present.bytes = size;
    order.update(present);
    while (bytes > maxBytes) evict();
  }

  function evict(): void {
    const victim = order.victim();
    if (victim === undefined) return;
    drop(victim);
    evictions++;
  }

  function drop(node: Node): void {
    nodes.delete(node.entry.key);
    bytes -= node.bytes;
    order.remove(node);
  }

  function remove(key: string): void {
    const node = nodes.get(key);
    if (node !== undefined) drop(node);
  }

  function clear(): void {
    nodes.clear();
    order.clear();
    bytes = 0;
  }

  return {
    name: "memory",
    reach: "isolate",
    peek,
    put,
    remove,
    clear,
    stats: () => ({ entries: nodes.size, bytes, evictions }),
    get: (key) => Promise.resolve(done(peek(key))),
    set: (entry, ctx) => Promise.resolve(done(put(entry, ctx.now()))),
    delete: (keys) => Promise.resolve(done(keys.forEach(remove))),
  };
}

function nodeOf(entry: Entry, bytes: number): Node {
  return { entry, bytes, rank: 0, born: 0, newer: undefined, older: undefined };
}
