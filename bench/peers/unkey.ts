import { Namespace } from "@unkey/cache";
import { MemoryStore, UpstashRedisStore } from "@unkey/cache/stores";
import { createSharedMap } from "./shared-map.ts";
import type { Subject } from "./subject.ts";
import { versionOf } from "./version.ts";

/** Its memory store in front of its Upstash store, read with swr(). */
export const unkey: Subject = {
  name: "@unkey/cache",
  version: versionOf("@unkey/cache"),
  setup: "memory + Upstash stores, swr",
  async create({ processes }) {
    const shared = createSharedMap();
    const redis = {
      async get(key: string): Promise<unknown> {
        const text = await shared.get(key);
        return text === undefined ? null : JSON.parse(text);
      },
      set: (key: string, value: unknown, { pxat }: { pxat: number }) =>
        shared.set(key, JSON.stringify(value), pxat - Date.now()),
      del: (...keys: string[]) => shared.delete(keys),
    };
    return {
      shared,
      processes: Array.from({ length: processes }, () => {
        const stores = [
          new MemoryStore({ persistentMap: new Map() }),
          new UpstashRedisStore({ redis }),
        ];
        const namespaces = new Map<number, Namespace<string>>();
        const ctx = { waitUntil: (work: Promise<unknown>) => void work.catch(() => undefined) };
        const of = (ttlMs: number): Namespace<string> => {
          const made =
            namespaces.get(ttlMs) ??
            new Namespace<string>(ctx, { stores, fresh: ttlMs, stale: ttlMs });
          namespaces.set(ttlMs, made);
          return made;
        };
        return {
          async read(key, { ttlMs }, load) {
            const { val, err } = await of(ttlMs).swr("n", key, async () => (await load()) ?? null);
            if (err !== undefined) throw err;
            return val ?? undefined;
          },
          delete: async (key) => {
            for (const namespace of namespaces.values()) await namespace.remove("n", key);
          },
          deleteByTag: undefined,
        };
      }),
      close: () => Promise.resolve(),
    };
  },
};
