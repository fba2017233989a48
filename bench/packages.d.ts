/**
 * The parts of the peers' interfaces that the benchmarks use. `npm run bench` installs the peers;
 * the repository type-checks without them.
 */
declare module "lru-cache" {
  export class LRUCache<K, V> {
    constructor(options: { max: number; maxSize?: number; sizeCalculation?: (value: V) => number });
    get(key: K): V | undefined;
    set(key: K, value: V): this;
  }
}

declare module "bentocache" {
  export interface Driver<T> {
    readonly options: Readonly<Record<string, unknown>>;
    readonly factory: (config: unknown) => T;
  }
  interface Layers {
    useL1Layer(driver: Driver<unknown>): Layers;
    useL2Layer(driver: Driver<unknown>): Layers;
    useBus(driver: Driver<unknown>): Layers;
  }
  export function bentostore(): Layers;
  export class BentoCache {
    constructor(options: { default: string; stores: Record<string, Layers> });
    getOrSet<T>(options: {
      key: string;
      ttl: number;
      tags?: string[];
      factory: () => Promise<T>;
    }): Promise<T>;
    delete(options: { key: string }): Promise<boolean>;
    deleteByTag(options: { tags: string[] }): Promise<boolean>;
    disconnectAll(): Promise<void>;
  }
}

declare module "bentocache/drivers/memory" {
  import type { Driver } from "bentocache";
  export function memoryDriver(options?: {
    maxItems?: number;
    serialize?: boolean;
  }): Driver<unknown>;
}

declare module "@boringnode/bus/transports/memory" {
  export function memory(): () => unknown;
}

declare module "@epic-web/cachified" {
  export interface CacheEntry {
    readonly metadata: { readonly createdTime: number; readonly ttl?: number | null };
    readonly value: unknown;
  }
  export interface Cache {
    get(key: string): Promise<CacheEntry | undefined>;
    set(key: string, entry: CacheEntry): Promise<unknown>;
    delete(key: string): Promise<unknown>;
  }
  export function cachified<T>(options: {
    key: string;
    cache: Cache;
    ttl: number;
    getFreshValue: () => Promise<T>;
  }): Promise<T>;
}

declare module "cacheable" {
  export class Keyv {
    readonly opts: unknown;
    constructor(options: { store: unknown });
  }
  export class Cacheable {
    constructor(options: {
      secondary?: Keyv;
      tags?: boolean;
      ttl?: number;
      sync?: { qified: unknown };
    });
    readonly tags: { invalidateTag(tag: string): Promise<void> };
    get<T>(key: string): Promise<T | undefined>;
    set(key: string, value: unknown, options: { ttl: number; tags: string[] }): Promise<boolean>;
    getOrSet<T>(
      key: string,
      load: () => Promise<T>,
      options: { ttl: number; throwErrors?: boolean },
    ): Promise<T | undefined>;
    delete(key: string): Promise<boolean>;
    disconnect(): Promise<void>;
  }
}

declare module "qified" {
  export class MemoryMessageProvider {
    readonly id: string;
  }
}

declare module "@unkey/cache" {
  interface Outcome<T> {
    readonly val?: T;
    readonly err?: Error;
  }
  export interface Entry<T> {
    readonly value: T | undefined | null;
    readonly freshUntil: number;
    readonly staleUntil: number;
  }
  export class Namespace<T> {
    constructor(
      ctx: { waitUntil(work: Promise<unknown>): void },
      options: { stores: readonly unknown[]; fresh: number; stale: number },
    );
    get(namespace: string, key: string): Promise<Outcome<T | undefined>>;
    set(namespace: string, key: string, value: T | undefined): Promise<unknown>;
    swr(
      namespace: string,
      key: string,
      load: () => Promise<T | null>,
    ): Promise<Outcome<T | null | undefined>>;
    remove(namespace: string, key: string): Promise<unknown>;
  }
}

declare module "@unkey/cache/stores" {
  export class MemoryStore {
    readonly name: string;
    constructor(options: { persistentMap: Map<string, unknown> });
  }
  export class UpstashRedisStore {
    readonly name: string;
    constructor(options: { redis: unknown });
  }
}

declare module "@opennextjs/cloudflare/overrides/incremental-cache/regional-cache" {
  interface Entry<T> {
    readonly value: T;
    readonly lastModified: number;
  }
  interface IncrementalCache<T> {
    get: (key: string, type?: string) => Promise<Entry<T> | null>;
    set: (key: string, value: unknown, type?: string) => Promise<void>;
  }
  interface Store extends IncrementalCache<unknown> {
    readonly name: string;
    readonly delete: (key: string) => Promise<void>;
  }
  export function withRegionalCache<T>(
    store: Store,
    options: { mode: "short-lived" | "long-lived"; shouldLazilyUpdateOnCacheHit?: boolean },
  ): IncrementalCache<T>;
}
