import { memory } from "@boringnode/bus/transports/memory";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createSharedMap, type SharedMap } from "./shared-map.ts";
import type { Subject } from "./subject.ts";
import { versionOf } from "./version.ts";

/** Memory, a shared second level and a bus, as in its guide for several tiers. */
export const bentocache: Subject = {
  name: "bentocache",
  version: versionOf("bentocache"),
  setup: "L1 + L2 + bus, getOrSet",
  async create({ processes }) {
    const shared = createSharedMap();
    const caches = Array.from(
      { length: processes },
      () =>
        new BentoCache({
          default: "multi",
          stores: {
            multi: bentostore()
              .useL1Layer(memoryDriver({ maxItems: 1_000 }))
              .useL2Layer({ options: {}, factory: () => driverOf(shared, "bentocache") })
              .useBus({ options: {}, factory: () => memory()() }),
          },
        }),
    );
    return {
      shared,
      processes: caches.map((cache) => ({
        read: async (key, { ttlMs, tags }, load) =>
          (await cache.getOrSet<string | null>({
            key,
            ttl: ttlMs,
            ...(tags && { tags: [...tags] }),
            // bentocache rejects undefined and stores null.
            factory: async () => (await load()) ?? null,
          })) ?? undefined,
        delete: (key) => cache.delete({ key }),
        deleteByTag: (tag) => cache.deleteByTag({ tags: [tag] }),
      })),
      close: async () => {
        for (const cache of caches) await cache.disconnectAll();
      },
    };
  },
};

/** Implements bentocache's interface for a second level over the shared map. */
function driverOf(shared: SharedMap, prefix: string) {
  const itemKey = (key: string): string => `${prefix}:${key}`;
  return {
    type: "l2",
    namespace: (name: string) => driverOf(shared, `${prefix}:${name}`),
    get: (key: string) => shared.get(itemKey(key)),
    async pull(key: string) {
      const value = await shared.get(itemKey(key));
      await shared.delete([itemKey(key)]);
      return value;
    },
    async set(key: string, value: string, ttl?: number) {
      await shared.set(itemKey(key), value, ttl);
      return true;
    },
    clear: () => shared.clear(),
    delete: async (key: string) => (await shared.delete([itemKey(key)])) > 0,
    deleteMany: async (keys: string[]) => (await shared.delete(keys.map(itemKey))) > 0,
    disconnect: () => Promise.resolve(),
  };
}
