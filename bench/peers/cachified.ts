import { cachified as read, type Cache, type CacheEntry } from "@epic-web/cachified";
import { createSharedMap } from "./shared-map.ts";
import type { Subject } from "./subject.ts";
import { versionOf } from "./version.ts";

/** cachified has one cache and no levels. Here it is the shared one, as in its Redis adapter. */
export const cachified: Subject = {
  name: "cachified",
  version: versionOf("@epic-web/cachified"),
  setup: "one shared cache, no memory of its own",
  async create({ processes }) {
    const shared = createSharedMap();
    return {
      shared,
      processes: Array.from({ length: processes }, () => {
        const cache: Cache = {
          async get(key) {
            const text = await shared.get(key);
            return text === undefined ? undefined : (JSON.parse(text) as CacheEntry);
          },
          set: (key, entry) =>
            shared.set(key, JSON.stringify(entry), entry.metadata.ttl ?? undefined),
          delete: (key) => shared.delete([key]),
        };
        return {
          read: async (key, { ttlMs: ttl }, load) => {
            // undefined has no JSON form and would not be stored. null says that there is no value.
            const getFreshValue = async () => (await load()) ?? null;
            return (await read<string | null>({ key, cache, ttl, getFreshValue })) ?? undefined;
          },
          delete: (key) => cache.delete(key),
          deleteByTag: undefined,
        };
      }),
      close: () => Promise.resolve(),
    };
  },
};
