/** The router of the reference API. */
import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

const PATTERN = /\*|\/:/;

/** The most paths of one method whose results are kept. When they are reached, all are dropped. */
const MAX_PATHS = 1_000;
/** Results of longer paths are not kept. */
const MAX_PATH_LENGTH = 100;

/**
 * Keeps the results of recent paths, and routes other requests by one regular expression. Hono's
 * `RegExpRouter` refuses an application that has a fixed path beside a parameter, such as
 * `/products/trending` beside `/products/:id`. Hono then walks a tree for every request, which a
 * profile of memory hits shows first. Here only the fixed paths are matched by the tree.
 */
export class RecentPathsRouter<T> implements Router<T> {
  readonly #all = new TrieRouter<T>();
  readonly #patterns = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #fixed = new Set<string>();
  /** The results of recent paths, for each method of a route. Clients may send any other method. */
  readonly #recent = new Map<string, Map<string, Result<T>>>();

  /** The router of all paths that are not fixed. It is known after its first match. */
  get name(): string {
    return `RecentPathsRouter, ${this.#patterns.name}`;
  }

  add(method: string, path: string, handler: T): void {
    this.#recent.set(method, new Map());
    this.#all.add(method, path, handler);
    if (PATTERN.test(path)) this.#patterns.add(method, path, handler);
    else this.#fixed.add(path);
  }

  match(method: string, path: string): Result<T> {
    const recent = this.#recent.get(method);
    const known = recent?.get(path);
    if (known !== undefined) return known;
    const router = this.#fixed.has(path) ? this.#all : this.#patterns;
    const result = router.match(method, path);
    if (recent === undefined || path.length > MAX_PATH_LENGTH) return result;
    if (recent.size >= MAX_PATHS) recent.clear();
    recent.set(path, result);
    return result;
  }
}
