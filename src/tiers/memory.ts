import type { Entry } from "../core/entry.ts";
import { sizeOf as estimateSize } from "../core/entry-size.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { EpochMs } from "../core/time.ts";
import type { EvictionOrder, Node } from "./eviction/order.ts";
import { createSieve } from "./eviction/sieve.ts";

export interface MemoryTierOptions {
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** The most bytes of a stored entry, because a larger one would evict too many others. Default: `maxBytes`. */
  readonly maxEntryBytes?: number;
  /** The tier calls this with the key of an entry that is too large. */
  readonly onRefuse?: (key: string) => void;
  /** An eviction order that no other tier uses. Default: SIEVE. */
  readonly eviction?: EvictionOrder;
  /** Returns the bytes of an entry. Default: the estimate of core/entry.ts. */
  readonly sizeOf?: (entry: Entry) => number;
}

/** Larger entries are large. Together they get a share of the memory, so that a few do not evict many small ones. */
const LARGE_ENTRY_BYTES = 512 * 1024;
const LARGE_SHARE = 1 / 4;

/**
 * Creates the tier in the isolate's memory. It is bounded in bytes and in entries. When it is full,
 * the eviction order chooses the entries to evict.
 *
 * @example
 * const memory = createMemoryTier({
 *   maxBytes: 32 * 2 ** 20,
 *   maxEntries: 20_000,
 *   eviction: createLru(),
 * });
 */
export function createMemoryTier(options: MemoryTierOptions): MemoryTier {
  const { maxBytes, maxEntries, onRefuse, sizeOf = estimateSize } = options;
  const { eviction: order = createSieve() } = options;
  const maxEntryBytes = Math.min(maxBytes, options.maxEntryBytes ?? maxBytes);
  const nodes = new Map<string, Node>();
  /** The large entries, oldest first. */
  const large = new Map<string, Node>();
  const maxLargeBytes = maxBytes * LARGE_SHARE;
  let largeBytes = 0;
  let bytes = 0;
  let evictions = 0;

  function get(key: string, now = -Infinity): Entry | undefined {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    if (node.keepUntil <= now) {
      drop(node);
      return undefined;
    }
    order.visit(node);
    return node.entry;
  }

  function put(entry: Entry, now: EpochMs, keepMs = Infinity): void {
    const size = sizeOf(entry);
    const present = nodes.get(entry.key);
    const tooLarge = size > maxEntryBytes;
    if (tooLarge || entry.deleteAt <= now) {
      if (present !== undefined) drop(present);
      if (tooLarge) onRefuse?.(entry.key);
      return;
    }
    const isSame = present !== undefined && present.entry.storedAt === entry.storedAt;
    const keepUntil = Math.min(now + keepMs, isSame ? present.keepUntil : Infinity);
    const isLarge = size > LARGE_ENTRY_BYTES;
    if (present !== undefined && !isLarge && !large.has(entry.key)) {
      bytes += size - present.bytes;
      present.entry = entry;
      present.bytes = size;
      present.keepUntil = keepUntil;
      order.update(present);
      while (bytes > maxBytes) evict(order.victim());
      return;
    }
    if (present !== undefined) drop(present);
    while (isLarge && large.size > 0 && largeBytes + size > maxLargeBytes)
      evict(large.values().next().value);
    // The tier evicts before it adds the new entry. The new entry cannot be marked as used yet,
    // so it would be evicted too early.
    while (nodes.size > 0 && (bytes + size > maxBytes || nodes.size >= maxEntries))
      evict(order.victim());
    const node = createNode(entry, size, keepUntil);
    nodes.set(entry.key, node);
    bytes += size;
    order.add(node);
    if (!isLarge) return;
    large.set(entry.key, node);
    largeBytes += size;
  }

  function evict(victim: Node | undefined): void {
    if (victim === undefined) return;
    drop(victim);
    evictions++;
  }

  function drop(node: Node): void {
    nodes.delete(node.entry.key);
    if (large.delete(node.entry.key)) largeBytes -= node.bytes;
    bytes -= node.bytes;
    order.remove(node);
  }

  return {
    get,
    peek(key, now = -Infinity) {
      const node = nodes.get(key);
      return node === undefined || node.keepUntil <= now ? undefined : node.entry;
    },
    put,
    remove(key) {
      const node = nodes.get(key);
      if (node !== undefined) drop(node);
    },
    removeWhere(test) {
      const gone = [...nodes.values()].filter(({ entry }) => test(entry));
      for (const node of gone) drop(node);
      return gone.map(({ entry }) => entry.key);
    },
    clear() {
      nodes.clear();
      large.clear();
      largeBytes = 0;
      order.clear();
      bytes = 0;
    },
    stats: () => ({ entries: nodes.size, bytes, evictions }),
  };
}

function createNode(entry: Entry, bytes: number, keepUntil: EpochMs): Node {
  return { entry, bytes, keepUntil, rank: 0, born: 0, newer: undefined, older: undefined };
}
