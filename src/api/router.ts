/** The router of the reference API. */
import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

const PATTERN = /\*|\/:/;

/**
 * Routes by one regular expression. Hono's `RegExpRouter` refuses an application that has a fixed path
 * beside a parameter, such as `/products/trending` beside `/products/:id`. Hono then walks a tree for every
 * request, which took a quarter of the time of a memory hit. This router matches the fixed paths
 * apart, and each only once.
 */
export class FixedPathRouter<T> implements Router<T> {
  readonly #all = new TrieRouter<T>();
  readonly #patterns = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #methods = new Set<string>();
  /** The results of each fixed path, by method. */
  readonly #fixed = new Map<string, Map<string, Result<T>>>();

  /** The router of all paths that are not fixed. It is known after the first match. */
  get name(): string {
    return `FixedPathRouter, ${this.#patterns.name}`;
  }

  add(method: string, path: string, handler: T): void {
    this.#methods.add(method);
    this.#all.add(method, path, handler);
    if (PATTERN.test(path)) this.#patterns.add(method, path, handler);
    else this.#fixed.set(path, new Map());
  }

  match(method: string, path: string): Result<T> {
    const known = this.#fixed.get(path);
    if (known === undefined) return this.#patterns.match(method, path);
    const result = known.get(method) ?? this.#all.match(method, path);
    // Clients may send any method. So only the results of the routes' own methods are kept.
    if (this.#methods.has(method)) known.set(method, result);
    return result;
  }
}
