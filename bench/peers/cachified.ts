import { cachified as read, type Cache, type CacheEntry } from "@epic-web/cachified";
import { createSharedMap } from "./shared-map.ts";
import type { Subject } from "./subject.ts";
import { versionOf } from "./version.ts";

/** It knows one cache and no levels: here the shared one, as its Redis adapter does it. */
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
            // A value that JSON does not know would be no entry: null says that there is nothing.
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
