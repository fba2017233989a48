import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreRpc } from "../../src/durable/store-rpc.ts";
import { createDurableStore } from "../../src/durable/store-port.ts";
import { createStoreTables } from "../../src/durable/store-tables.ts";
import { sqlOf } from "../support/sqlite.ts";
import { withTimeout } from "../support/with-timeout.ts";
import { ROUND_TRIP_MS } from "./shared-map.ts";
import { createStrataDeployment, version } from "./strata-deployment.ts";
import type { Subject } from "./subject.ts";

/** Strata with the store of `strata/durable`: its port, and its tables over SQLite. */
export const strataDurable: Subject = {
  name: "Strata, Durable Objects",
  version,
  setup: "memory + the tables of the store object (SQLite) + flights",
  async create({ processes }) {
    const db = new DatabaseSync(":memory:");
    const object = createObject(db);
    const openStore = () =>
      createDurableStore({
        stub: () => object,
        namespace: "peers",
        shards: 0,
        maxEntryChars: 2 ** 20,
        timeoutMs: 5_000,
        withTimeout,
      });
    return createStrataDeployment(processes, openStore, async () => db.close());
  },
};

/** The methods of the object, behind calls that take a round trip and copy what they carry. */
function createObject(db: DatabaseSync): StoreRpc {
  const tables = createStoreTables({
    sql: sqlOf(db),
    now: Date.now,
    newId: () => crypto.randomUUID(),
    maxBytes: 2 ** 30,
  });
  return new Proxy({} as StoreRpc, {
    get: (_, method: keyof typeof tables) =>
      async function call(...args: readonly unknown[]): Promise<unknown> {
        await sleep(ROUND_TRIP_MS / 2);
        const run = tables[method] as (...own: readonly unknown[]) => unknown;
        const answer = structuredClone(run(...structuredClone(args)));
        await sleep(ROUND_TRIP_MS / 2);
        return answer;
      },
  });
}
