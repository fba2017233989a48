import type { EvictionOrder, Node } from "./order.ts";

const nothing = (): void => undefined;

/**
 * Evicts the entry that expires first. Hits do not change the order. The nodes form a binary heap
 * by `deleteAt`; `rank` is a node's index in the heap.
 */
export function createTtl(): EvictionOrder {
  let heap: Node[] = [];

  const place = (node: Node, at: number): void => {
    heap[at] = node;
    node.rank = at;
  };
  function rise(node: Node): void {
    let at = node.rank;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1] as Node;
      if (parent.entry.deleteAt <= node.entry.deleteAt) break;
      place(parent, at);
      at = (at - 1) >> 1;
    }
    place(node, at);
  }
  function sink(node: Node): void {
    let at = node.rank;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const first =
        right !== undefined && right.entry.deleteAt < left.entry.deleteAt ? right : left;
      if (first.entry.deleteAt >= node.entry.deleteAt) break;
      const next = first.rank;
      place(first, at);
      at = next;
    }
    place(node, at);
  }

  return {
    add(node) {
      node.rank = heap.length;
      heap.push(node);
      rise(node);
    },
    visit: nothing,
    update(node) {
      rise(node);
      sink(node);
    },
    remove(node) {
      const last = heap.pop();
      if (last === undefined || last === node) return;
      place(last, node.rank);
      rise(last);
      sink(last);
    },
    victim: () => heap[0],
    clear() {
      heap = [];
    },
  };
}
