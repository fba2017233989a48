/**
 * Counts the hits of the best possible cache of `capacity` entries. It knows the future, and evicts
 * the key whose next use is farthest ahead.
 *
 * @see Belady, "A study of replacement algorithms for a virtual-storage computer", 1966.
 */
export function countOptimalHits(keys: Int32Array, capacity: number): number {
  const next = nextUses(keys);
  const heap = createHeap();
  /**
   * Cached keys with the position of their next use. Older records of a key in the heap are void.
   */
  const cached = new Map<number, number>();
  let hits = 0;
  for (const [at, key] of keys.entries()) {
    const use = next[at] ?? keys.length;
    if (cached.has(key)) hits++;
    else if (cached.size >= capacity) {
      for (let farthest = heap.pop(); farthest !== undefined; farthest = heap.pop())
        if (cached.get(farthest.key) === farthest.use) {
          cached.delete(farthest.key);
          break;
        }
    }
    cached.set(key, use);
    heap.push({ key, use });
  }
  return hits;
}

/**
 * Returns, for each request, the position of the next request for the same key, or the trace's
 * length and beyond if there is none.
 */
function nextUses(keys: Int32Array): Float64Array {
  const next = new Float64Array(keys.length);
  const seen = new Map<number, number>();
  for (let at = keys.length - 1; at >= 0; at--) {
    const key = keys[at] ?? 0;
    next[at] = seen.get(key) ?? Infinity;
    seen.set(key, at);
  }
  return next;
}

interface Use {
  readonly key: number;
  readonly use: number;
}

/** Creates a binary heap with the farthest use on top. */
function createHeap() {
  const heap: Use[] = [];
  const useAt = (at: number): number => heap[at]?.use ?? -1;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b] as Use, heap[a] as Use];
  };
  return {
    push(use: Use): void {
      heap.push(use);
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (useAt(parent) >= useAt(at)) return;
        swap(parent, at);
        at = parent;
      }
    },
    pop(): Use | undefined {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined || heap.length === 0) return top;
      heap[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const child = useAt(left + 1) > useAt(left) ? left + 1 : left;
        if (useAt(child) <= useAt(at)) return top;
        swap(at, child);
        at = child;
      }
    },
  };
}
