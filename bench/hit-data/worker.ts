/**
 * Reads values that a cache holds in memory, many times in one request: `GET /<cache>?reads=100000`. The answer
 * is 500 if a read found a wrong value or loaded one.
 */
import { Namespace } from "@unkey/cache";
import { MemoryStore } from "@unkey/cache/stores";
import { LRUCache } from "lru-cache";
import { createStrata, definePolicy, key } from "../../src/entries/data.ts";

const KEYS = 1_024;
const HOUR_MS = 3_600_000;

interface Product {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

const keys = Array.from({ length: KEYS }, (_, id) => key("product", id));
const products = keys.map((_, id): Product => ({
  id,
  name: `Lamp ${id}`,
  tags: ["lamps", "sale", "new"],
}));
let loads = 0;

/** Sums the ids of the products that `reads` reads find, so that none is left out. */
type Run = (reads: number, ctx: ExecutionContext) => Promise<number> | number;

const map = new Map(keys.map((each, id) => [each, products[id]]));
const lru = new LRUCache<string, Product>({ max: 2 * KEYS });
for (const [id, product] of products.entries()) lru.set(keys[id] ?? "", product);

const persistentMap = new Map<string, unknown>();
const unkey = (ctx: ExecutionContext): Namespace<Product> =>
  new Namespace<Product>(ctx, {
    stores: [new MemoryStore({ persistentMap })],
    fresh: HOUR_MS,
    stale: HOUR_MS,
  });

const strata = createStrata({ namespace: "bench" });
const policy = definePolicy({ freshFor: "1h", tiers: ["memory"] });
const loaderOf = (id: number) => async () => {
  loads++;
  return products[id] ?? null;
};
const loaders = keys.map((_, id) => loaderOf(id));

const RUNS: Readonly<Record<string, Run>> = {
  loop(reads) {
    let sum = 0;
    for (let at = 0; at < reads; at++) sum += products[at % KEYS]?.id ?? NaN;
    return sum;
  },

  map(reads) {
    let sum = 0;
    for (let at = 0; at < reads; at++) sum += map.get(keys[at % KEYS] ?? "")?.id ?? NaN;
    return sum;
  },

  async "map-awaited"(reads) {
    const read = async (name: string) => map.get(name);
    let sum = 0;
    for (let at = 0; at < reads; at++) sum += (await read(keys[at % KEYS] ?? ""))?.id ?? NaN;
    return sum;
  },

  lru(reads) {
    let sum = 0;
    for (let at = 0; at < reads; at++) sum += lru.get(keys[at % KEYS] ?? "")?.id ?? NaN;
    return sum;
  },

  async "unkey-get"(reads, ctx) {
    const cache = unkey(ctx);
    let sum = 0;
    for (let at = 0; at < reads; at++)
      sum += (await cache.get("product", keys[at % KEYS] ?? "")).val?.id ?? NaN;
    return sum;
  },

  async "unkey-swr"(reads, ctx) {
    const cache = unkey(ctx);
    let sum = 0;
    for (let at = 0; at < reads; at++) {
      const [name = "", load = loaderOf(0)] = [keys[at % KEYS], loaders[at % KEYS]];
      sum += (await cache.swr("product", name, load)).val?.id ?? NaN;
    }
    return sum;
  },

  async "strata-read"(reads, ctx) {
    const cache = strata.open(ctx);
    let sum = 0;
    for (let at = 0; at < reads; at++) {
      const [name = "", load = loaderOf(0)] = [keys[at % KEYS], loaders[at % KEYS]];
      sum += (await cache.read<Product>(name, policy, load)).value?.id ?? NaN;
    }
    return sum;
  },

  async "strata-open-read"(reads, ctx) {
    let sum = 0;
    for (let at = 0; at < reads; at++) {
      const [name = "", load = loaderOf(0)] = [keys[at % KEYS], loaders[at % KEYS]];
      sum += (await strata.open(ctx).read<Product>(name, policy, load)).value?.id ?? NaN;
    }
    return sum;
  },
};

/** The sum of the ids that this number of reads finds. */
function expected(reads: number): number {
  const rest = reads % KEYS;
  return (((reads - rest) / KEYS) * KEYS * (KEYS - 1)) / 2 + (rest * (rest - 1)) / 2;
}

export default {
  async fetch(request, _env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    const run = RUNS[pathname.slice(1)];
    const reads = Number(searchParams.get("reads"));
    if (run === undefined) return new Response("no such cache", { status: 404 });
    // The first request of an isolate fills the cache.
    if (searchParams.has("fill")) {
      for (const [id, name] of keys.entries()) {
        await unkey(ctx).set("product", name, products[id]);
        await strata.open(ctx).read(name, policy, loaderOf(id));
      }
      return new Response("filled");
    }
    const before = loads;
    const sum = await run(reads, ctx);
    const isRight = sum === expected(reads) && loads === before;
    return new Response(`${sum}, loads ${loads - before}`, { status: isRight ? 200 : 500 });
  },
} satisfies ExportedHandler;
