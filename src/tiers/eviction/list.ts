import type { Node } from "./order.ts";

/** A doubly linked list from the oldest to the newest node. The nodes hold the links. */
export interface NodeList {
  oldest: Node | undefined;
  newest: Node | undefined;
}

export function createList(): NodeList {
  return { oldest: undefined, newest: undefined };
}

/** Adds a node at the newest end. The node must not be in any list. */
export function append(list: NodeList, node: Node): void {
  node.older = list.newest;
  node.newer = undefined;
  if (list.newest === undefined) list.oldest = node;
  else list.newest.newer = node;
  list.newest = node;
}

export function unlink(list: NodeList, node: Node): void {
  if (node.newer === undefined) list.newest = node.older;
  else node.newer.older = node.older;
  if (node.older === undefined) list.oldest = node.newer;
  else node.older.newer = node.newer;
  node.newer = node.older = undefined;
}
