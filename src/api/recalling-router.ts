/** A router that recalls the routes of the paths for which it was asked before. */
import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { createBoundedMap } from "../core/bounded-map.ts";

/** The most paths that are recalled. */
const MAX_RECALLED = 1_000;
/** A longer path is searched each time, so that clients cannot fill the memory with long paths. */
const MAX_PATH_LENGTH = 256;

/**
 * Creates the router of the application. Some of its paths, such as `/products/trending` and `/products/:id`,
 * are ambiguous to Hono's router of regular expressions, so Hono would search its trie for each request. That
 * takes about 8 µs, as much as the lookup of a hit in memory, and hits are requests for paths that come again.
 */
export function createRecallingRouter<T>(): Router<T> {
  const trie = new TrieRouter<T>();
  const recalled = createBoundedMap<string, Result<T>>(MAX_RECALLED);
  return {
    name: "RecallingRouter",
    // Hono adds all routes before it matches the first request.
    add: (method, path, handler) => trie.add(method, path, handler),
    match(method, path) {
      const asked = `${method} ${path}`;
      const known = recalled.get(asked);
      if (known !== undefined) return known;
      const found = trie.match(method, path);
      if (path.length <= MAX_PATH_LENGTH) recalled.set(asked, found);
      return found;
    },
  };
}
