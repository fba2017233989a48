import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { createDurableStore, type StorePortOptions } from "../../src/durable/store-port.ts";
import { storeStub } from "../../src/durable/stubs.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import type { StoreUnderTest } from "./subject.ts";

/** Runs statements in an object of the store. */
export function sqlIn(
  object: string,
  query: string,
  ...bindings: readonly (string | number)[]
): Promise<Record<string, SqlStorageValue>[]> {
  const stub = env.STRATA.get(env.STRATA.idFromName(object));
  return runInDurableObject(stub, (_, { storage }) =>
    storage.sql.exec(query, ...bindings).toArray(),
  );
}

export function createTestDurableStore(namespace: string, options: Partial<StorePortOptions> = {}) {
  return createDurableStore({
    stub: (name) => storeStub(env.STRATA, name),
    namespace,
    shards: 0,
    maxEntryChars: 100_000,
    timeoutMs: 10_000,
    withTimeout,
    ...options,
  });
}

/** The store in Durable Objects. `entryObject`: the object of every entry of the test. */
export function durableSubject(shards: number): StoreUnderTest {
  return {
    create: (namespace, options) => createTestDurableStore(namespace, { shards, ...options }),
    rejected: "store.rejected",
    inside(namespace) {
      const log = `${namespace}-store`;
      // With one shard, all entries are in it.
      const entries = shards === 0 ? log : `${namespace}-entries-0`;
      const run = async (object: string, query: string, ...bindings: (string | number)[]) =>
        void (await sqlIn(object, query, ...bindings));
      const count = async (table: string): Promise<number> =>
        Number((await sqlIn(log, `SELECT count(*) AS count FROM ${table}`))[0]?.["count"]);
      return {
        async dropLog() {
          await run(log, "DELETE FROM log");
          await run(log, "DELETE FROM marks");
          await run(log, "UPDATE meta SET era = NULL, seq = 0, floor = 0");
        },
        setNewest: (seq) => run(log, "UPDATE meta SET seq = ?", seq),
        setMark: (seq, at) => run(log, "INSERT OR REPLACE INTO marks VALUES (?, ?)", seq, at),
        marks: () => count("marks"),
        logKeys: () => count("log"),
        setText: (key, text) =>
          run(
            entries,
            "INSERT OR REPLACE INTO entries VALUES (?, ?, octet_length(?), ?)",
            ...[key, Date.now() + 60_000, text, text],
          ),
        async textOf(key) {
          const [row] = await sqlIn(entries, "SELECT text FROM entries WHERE key = ?", key);
          return row?.["text"] as string | undefined;
        },
        expire: (key) => run(entries, "UPDATE entries SET delete_at = 0 WHERE key = ?", key),
      };
    },
  };
}
