/**
 * As much of the peers' interfaces as the benchmarks use. They are installed by
 * `npm run bench` alone, and the repository type-checks without them.
 */
declare module "lru-cache" {
  export class LRUCache<K, V> {
    constructor(options: { max: number });
    get(key: K): V | undefined;
    set(key: K, value: V): this;
  }
}
