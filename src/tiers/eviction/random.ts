import type { Random } from "../../core/random.ts";
import type { EvictionOrder } from "./order.ts";
import type { Node } from "./order.ts";

const nothing = (): void => undefined;

/** Any node, each as likely as the other: no list, no state beside the nodes. */
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
