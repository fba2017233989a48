import type { Random } from "../../core/random.ts";
import type { EvictionOrder, Node } from "./order.ts";

const nothing = (): void => undefined;

/** Evicts an entry at random, each with the same probability. `rank` is a node's index in the array. */
export function createRandomOrder(random: Random): EvictionOrder {
  let nodes: Node[] = [];
  return {
    add(node) {
      node.rank = nodes.length;
      nodes.push(node);
    },
    visit: nothing,
    update: nothing,
    remove(node) {
      const last = nodes.pop();
      if (last === undefined || last === node) return;
      last.rank = node.rank;
      nodes[node.rank] = last;
    },
    victim: () => nodes[Math.floor(random() * nodes.length)],
    clear() {
      nodes = [];
    },
  };
}
