/**
 * The shared store in Durable Objects: the product's own tables over SQLite and its own port, with a
 * network between them that delays, reorders and loses requests, and objects that restart.
 */
import { DatabaseSync } from "node:sqlite";
import { MAX_CHANGES } from "../../src/core/log.ts";
import { createDurableStore } from "../../src/durable/store-port.ts";
import type { StoreRpc } from "../../src/durable/store-rpc.ts";
import { createStoreTables, type StoreTables } from "../../src/durable/store-tables.ts";
import { createRedisModel, type RedisModel, type RedisModelOptions } from "./redis-model.ts";
import { sqlOf } from "../../bench/support/sqlite.ts";

export interface DurableModelOptions extends Omit<RedisModelOptions, "lagMs"> {
  /** The number of further objects for the entries. */
  readonly shards: number;
}

export interface DurableModel extends RedisModel {
  /** Restarts every object: its memory and the requests inside it are lost, and its disk is kept. */
  failOver(): void;
  /** Closes the databases. */
  close(): void;
}

interface StoredObject {
  readonly db: DatabaseSync;
  tables: StoreTables;
}

const METHODS = [
  ...(["read", "texts", "verify", "sync", "establish", "write"] as const),
  ...(["remove", "invalidate", "numbers", "trim"] as const),
];
const LOG_OBJECT = "n-store";
/** The planted fault loses the numbers of this time. */
const LOST_MICROS = 1_000_000;

export function createDurableModel(options: DurableModelOptions): DurableModel {
  const { time, timeoutMs, limits, fault, shards } = options;
  const objects = new Map<string, StoredObject>();
  // The existence filters stay in Redis, which this store does not replace.
  const redis = createRedisModel({ ...options, lagMs: 0 });
  /** Changes when the objects restart. */
  let life = 0;

  function openTables(db: DatabaseSync): StoreTables {
    const { now, newId } = time;
    return createStoreTables({ sql: sqlOf(db), now, newId, maxBytes: 2 ** 30 });
  }

  function objectOf(name: string): StoredObject {
    let object = objects.get(name);
    if (object === undefined) {
      const db = new DatabaseSync(":memory:");
      object = { db, tables: openTables(db) };
      objects.set(name, object);
    }
    return object;
  }

  const limited = (limit: number): number => (limit <= MAX_CHANGES ? limits.page : limits.pages);

  /** Runs a method inside the object, with the limits of the schedule. */
  function run(name: string, method: (typeof METHODS)[number], args: readonly unknown[]): unknown {
    const { tables } = objectOf(name);
    const [first, second, third] = args;
    const own =
      method === "read" || method === "verify"
        ? [first, second, limited(third as number)]
        : method === "sync" || method === "establish"
          ? [first, limited(second as number)]
          : args;
    return (tables[method] as (...own: readonly unknown[]) => unknown)(...own);
  }

  /** One request. It takes time both ways, and may be lost before or after it is executed. */
  async function send(
    name: string,
    method: (typeof METHODS)[number] | "ping",
    args: readonly unknown[],
  ): Promise<unknown> {
    const { outage } = model;
    const fate = model.lossy ? time.random() : 1;
    if (outage === "refused") throw new Error("refused");
    if (outage === "hanging" || fate < 0.01) return time.sleep(2 * timeoutMs);
    const sent = structuredClone(args);
    await time.sleep(transit());
    const inside = life;
    const answer = method === "ping" ? undefined : run(name, method, sent);
    if (fate < 0.02) return time.sleep(2 * timeoutMs);
    await time.sleep(transit());
    // The answer of an object that has restarted meanwhile does not arrive.
    if (inside !== life) throw Object.assign(new Error("restarted"), { retryable: true });
    return structuredClone(answer);
  }

  function transit(): number {
    return time.random() < 0.7 ? time.random() * 30 : time.random() * (timeoutMs / 2 - 20);
  }

  function stubOf(name: string): StoreRpc {
    const calls = [...METHODS, "ping" as const].map((method) => [
      method,
      (...args: readonly unknown[]) => send(name, method, args),
    ]);
    return Object.fromEntries(calls) as StoreRpc;
  }

  function close(): void {
    for (const { db } of objects.values()) db.close();
    objects.clear();
  }

  const log = (): StoredObject => objectOf(LOG_OBJECT);
  const model: DurableModel = {
    filters: redis.filters,
    get outage() {
      return redis.outage;
    },
    set outage(how) {
      redis.outage = how;
    },
    get lossy() {
      return redis.lossy;
    },
    set lossy(isLossy) {
      redis.lossy = isLossy;
    },
    store: createDurableStore({
      stub: stubOf,
      namespace: "n",
      shards,
      maxEntryChars: 100_000,
      timeoutMs,
      withTimeout: time.withTimeout,
    }),
    head: () => Number(log().db.prepare("SELECT seq FROM meta").get()?.["seq"] ?? 0),
    flush() {
      redis.flush();
      close();
    },
    failOver() {
      life++;
      if (fault === "restart-loses-numbers") loseNumbers(log().db, time.now());
      for (const object of objects.values()) object.tables = openTables(object.db);
    },
    trim: (keepMs) => void log().tables.trim(keepMs, limits.logKeys),
    storm(names) {
      if (log().tables.sync(0, 1).seq === undefined) return;
      for (let i = 0; i < names; i++) log().tables.invalidate([`t:storm-${i}`], []);
    },
    close,
  };
  return model;
}

/** Takes the newest numbers back, as a disk does that has not got them. */
function loseNumbers(db: DatabaseSync, now: number): void {
  const kept = now * 1_000 - LOST_MICROS;
  db.prepare("DELETE FROM log WHERE seq > ?").run(kept);
  db.prepare("UPDATE meta SET seq = max(floor, (SELECT coalesce(max(seq), 1) FROM log))").run();
}
