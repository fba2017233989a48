import { sizeOf, type Entry } from "../core/entry.ts";
import type { Random } from "../core/random.ts";
import type { MemoryTier } from "../core/tier.ts";
import type { EpochMs } from "../core/time.ts";
import { createEviction, type Eviction } from "./eviction/choice.ts";
import type { EvictionOrder, Node } from "./eviction/order.ts";

export interface MemoryTierOptions {
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** The most bytes of a stored entry, because a larger one would evict too many others. Default: `maxBytes`. */
  readonly maxEntryBytes?: number;
  /** The tier calls this with the key of an entry that is too large. */
  readonly onRefuse?: (key: string) => void;
  /** The eviction order: its name, or an `EvictionOrder` that no other tier uses. Default: "sieve". */
  readonly eviction?: Eviction | EvictionOrder;
  /** The source of random numbers. Only the eviction order "random" needs it. */
  readonly random?: Random;
}

/**
 * Creates the tier in the isolate's memory. It is bounded in bytes and in entries. When it is full,
 * the eviction order chooses the entries to evict.
 *
 * @throws {DefinitionError} if the eviction order does not exist, or is "random" without `random`.
 * @example
 * const memory = createMemoryTier({
 *   maxBytes: 32 * 2 ** 20,
 *   maxEntries: 20_000,
 *   eviction: "lru",
 * });
 */
export function createMemoryTier(options: MemoryTierOptions): MemoryTier {
  const { maxBytes, maxEntries, onRefuse } = options;
  const { eviction = "sieve", random } = options;
  const order = typeof eviction === "string" ? createEviction(eviction, random) : eviction;
  const maxEntryBytes = Math.min(maxBytes, options.maxEntryBytes ?? maxBytes);
  const nodes = new Map<string, Node>();
  let bytes = 0;
  let evictions = 0;

  function get(key: string): Entry | undefined {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    order.visit(node);
    return node.entry;
  }

  function put(entry: Entry, now: EpochMs): void {
    const size = sizeOf(entry);
    const present = nodes.get(entry.key);
    const tooLarge = size > maxEntryBytes;
    if (tooLarge || entry.deleteAt <= now) {
      if (present !== undefined) drop(present);
      if (tooLarge) onRefuse?.(entry.key);
      return;
    }
    if (present === undefined) {
      // The tier evicts before it adds the new entry. The new entry cannot be marked as used yet,
      // so it would be evicted too early.
      while (nodes.size > 0 && (bytes + size > maxBytes || nodes.size >= maxEntries)) evict();
      const node = createNode(entry, size);
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

  return {
    get,
    peek: (key) => nodes.get(key)?.entry,
    put,
    remove(key) {
      const node = nodes.get(key);
      if (node !== undefined) drop(node);
    },
    clear() {
      nodes.clear();
      order.clear();
      bytes = 0;
    },
    stats: () => ({ entries: nodes.size, bytes, evictions }),
  };
}

function createNode(entry: Entry, bytes: number): Node {
  return { entry, bytes, rank: 0, born: 0, newer: undefined, older: undefined };
}
