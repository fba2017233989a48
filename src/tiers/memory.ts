import { done } from "../core/faults.ts";
import { sizeOf, type Entry } from "../core/entry.ts";
import type { MemoryTier } from "../core/ports.ts";
import type { EpochMs } from "../core/time.ts";

export interface MemoryTierOptions {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

interface Node {
  entry: Entry;
  bytes: number;
  visited: boolean;
  newer: Node | undefined;
  older: Node | undefined;
}

/**
 * The tier in the isolate's heap, bounded in bytes and entries. Eviction is
 * SIEVE: a hit sets one bit and moves nothing; a hand walks from the oldest to
 * the newest and evicts the first entry that was not visited since it last came by.
 *
 * An entry larger than the whole tier is not kept.
 *
 * @see Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
export function createMemoryTier({ maxBytes, maxEntries }: MemoryTierOptions): MemoryTier {
  const nodes = new Map<string, Node>();
  let newest: Node | undefined;
  let oldest: Node | undefined;
  let hand: Node | undefined;
  let bytes = 0;
  let evictions = 0;

  function peek(key: string): Entry | undefined {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    node.visited = true;
    return node.entry;
  }

  function put(entry: Entry, now: EpochMs): void {
    const size = sizeOf(entry);
    const present = nodes.get(entry.key);
    if (size > maxBytes || entry.deleteAt <= now) {
      if (present !== undefined) unlink(present);
      return;
    }
    if (present === undefined) {
      // Room is made first: the newcomer has not had its chance to be visited.
      while (nodes.size > 0 && (bytes + size > maxBytes || nodes.size >= maxEntries)) evict();
      link({ entry, bytes: size, visited: false, newer: undefined, older: newest });
      return;
    }
    bytes += size - present.bytes;
    present.entry = entry;
    present.bytes = size;
    present.visited = true;
    while (bytes > maxBytes) evict();
  }

  function remove(key: string): void {
    const node = nodes.get(key);
    if (node !== undefined) unlink(node);
  }

  function clear(): void {
    nodes.clear();
    newest = oldest = hand = undefined;
    bytes = 0;
  }

  function evict(): void {
    hand ??= oldest;
    while (hand?.visited === true) {
      hand.visited = false;
      hand = hand.newer ?? oldest;
    }
    if (hand === undefined) return;
    unlink(hand);
    evictions++;
  }

  function link(node: Node): void {
    nodes.set(node.entry.key, node);
    bytes += node.bytes;
    if (newest !== undefined) newest.newer = node;
    newest = node;
    oldest ??= node;
  }

  function unlink(node: Node): void {
    nodes.delete(node.entry.key);
    bytes -= node.bytes;
    // The hand stays where it is for everything but its own entry.
    if (hand === node) hand = node.newer;
    if (node.newer === undefined) newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) oldest = node.newer;
    else node.older.newer = node.newer;
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
