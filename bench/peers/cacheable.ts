import { Cacheable, Keyv } from "cacheable";
import { MemoryMessageProvider } from "qified";
import { createSharedMap, type SharedMap } from "./shared-map.ts";
import type { Subject } from "./subject.ts";
import { versionOf } from "./version.ts";

/**
 * A primary store in memory, a shared secondary store, CacheableSync between processes, and tags in
 * the races that use them.
 */
export const cacheable: Subject = {
  name: "cacheable",
  version: versionOf("cacheable"),
  setup: "primary + secondary + sync, getOrSet; get and set where tags are asked for",
  async create({ processes, tags: enabled }) {
    const shared = createSharedMap();
    const qified = new MemoryMessageProvider();
    const caches = Array.from(
      { length: processes },
      () =>
        new Cacheable({
          secondary: new Keyv({ store: adapterOf(shared) }),
          tags: enabled,
          sync: { qified },
        }),
    );
    return {
      shared,
      processes: caches.map((cache) => ({
        async read(key, { ttlMs: ttl, tags }, load) {
          const once = async () => (await load()) ?? null;
          const options = { ttl, throwErrors: true };
          // getOrSet takes no tags. Its guide stores tagged values with set().
          if (tags === undefined) return (await cache.getOrSet(key, once, options)) ?? undefined;
          const found = await cache.get<string | null>(key);
          if (found !== undefined) return found ?? undefined;
          const made = await once();
          await cache.set(key, made, { ttl, tags: [...tags] });
          return made ?? undefined;
        },
        delete: (key) => cache.delete(key),
        deleteByTag: (tag) => cache.tags.invalidateTag(tag),
      })),
      close: async () => {
        for (const cache of caches) await cache.disconnect();
      },
    };
  },
};

/** Implements a Keyv adapter over the shared map. */
function adapterOf(shared: SharedMap) {
  return {
    opts: {},
    get: (key: string) => shared.get(key),
    set: (key: string, value: string, ttl?: number) => shared.set(key, value, ttl),
    delete: async (key: string) => (await shared.delete([key])) > 0,
    clear: () => shared.clear(),
    on: () => undefined,
  };
}
