/** The sessions in the SQLite database of an object: what it stores, deletes and writes. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { sqlOf } from "../../src/durable/object-sql.ts";
import type { SessionRpc } from "../../src/durable/session-rpc.ts";
import { createSessionTables, type SessionTables } from "../../src/durable/session-tables.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const IDLE_MS = HOUR_MS;
/** Not a multiple of ten minutes, after which instants of deletion move. */
const START = 1_800_000_060_000;

const stubOf = (name: string) => env.SESSIONS.get(env.SESSIONS.idFromName(name));
const rpcOf = (name: string): SessionRpc => stubOf(name) as unknown as SessionRpc;

interface Bench {
  readonly tables: SessionTables;
  readonly clock: { now: number };
  /** The rows that were written since the last call. */
  readonly written: () => number;
  /** The rows of all tables but that of the version. */
  readonly rows: () => number;
}

/** Runs `act` with the tables of a fresh database that holds at most 3 sessions. */
async function withTables(act: (bench: Bench) => void): Promise<void> {
  await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
    const clock = { now: START };
    let count = 0;
    const tables = createSessionTables({
      sql: {
        ...sqlOf(storage),
        exec: (query, ...bindings) => {
          const cursor = storage.sql.exec<Record<string, SqlStorageValue>>(query, ...bindings);
          const rows = cursor.toArray();
          count += cursor.rowsWritten;
          return rows as never;
        },
      },
      now: () => clock.now,
      maxRows: 3,
    });
    act({
      tables,
      clock,
      written() {
        const since = count;
        count = 0;
        return since;
      },
      rows: () =>
        ["sessions", "ended", "places", "revocations"].reduce(
          (sum, table) =>
            sum + Number(storage.sql.exec(`SELECT count(*) AS rows FROM ${table}`).one()["rows"]),
          0,
        ),
    });
  });
}

const recordOf = (hash: string, endsAt = START + 24 * HOUR_MS) => ({
  hash,
  user: "ada",
  createdAt: START,
  endsAt,
});
const storingOf = (hash: string, endsAt?: number) => ({
  record: recordOf(hash, endsAt),
  storeBy: START + MINUTE_MS,
  idleMs: IDLE_MS,
});
const placeOf = (hash: string) => ({ user: "ada", hash, absoluteMs: HOUR_MS, maxPerUser: 2 });
const removalOf = (hash: string, pending: readonly string[]) => ({
  hashes: [hash],
  user: "ada",
  pending,
  idleMs: IDLE_MS,
});

describe("the session object", () => {
  it("a revocation by an isolate with a shorter idle time deletes a session that lives on for an isolate with a longer one", async () => {
    await withTables(({ tables, clock }) => {
      tables.store({ ...storingOf("a"), idleMs: 24 * HOUR_MS });
      clock.now += 2 * HOUR_MS;
      expect(tables.read("a", HOUR_MS)).toBeUndefined();
      expect(tables.remove(removalOf("a", []))).toEqual([]);
      expect(tables.read("a", 24 * HOUR_MS)).toBeUndefined();
    });
  });

  it("a session of the object ends after its idle time, each read begins the idle time anew, and no read extends the longest time", async () => {
    await withTables(({ tables, clock }) => {
      tables.store(storingOf("a", START + 2 * HOUR_MS));
      tables.store(storingOf("b"));
      clock.now += 0.9 * HOUR_MS;
      expect(tables.read("a", IDLE_MS)).toEqual(recordOf("a", START + 2 * HOUR_MS));
      clock.now += 0.9 * HOUR_MS;
      expect(tables.read("a", IDLE_MS)?.hash).toBe("a");
      expect(tables.read("b", IDLE_MS)).toBeUndefined();
      clock.now += 0.2 * HOUR_MS;
      expect(tables.read("a", IDLE_MS)).toBeUndefined();
    });
  });

  it("a read of a session writes one row of the object, two when its instant of deletion moves, and none within a second of the last read", async () => {
    await withTables(({ tables, clock, written }) => {
      tables.store(storingOf("a"));
      const rows = [0, SECOND_MS, 500, 500, 10 * MINUTE_MS].map((ms) => {
        clock.now += ms;
        written();
        tables.read("a", IDLE_MS);
        return written();
      });
      expect(rows).toEqual([0, 1, 0, 1, 2]);
    });
  });

  it("a session that was ended before its object got it is not stored, and one that comes later than a minute after its place is not either", async () => {
    await withTables(({ tables, clock }) => {
      expect(tables.remove(removalOf("a", ["a"]))).toEqual([]);
      expect(tables.store(storingOf("a"))).toBe("ended");
      clock.now += MINUTE_MS + 1;
      expect(tables.store(storingOf("b"))).toBe("ended");
      expect(tables.peek(["a", "b"], IDLE_MS)).toEqual([]);
    });
  });

  it("the object forgets that a session was ended before it came only when the session would come too late anyway", async () => {
    await withTables(({ tables, clock, rows }) => {
      tables.remove(removalOf("a", ["a"]));
      clock.now += 9 * MINUTE_MS;
      tables.removeExpired(10);
      expect(rows()).toBe(1);
      clock.now += 2 * MINUTE_MS;
      tables.removeExpired(10);
      expect(rows()).toBe(0);
      expect(tables.store(storingOf("a"))).toBe("ended");
    });
  });

  it("a full session object refuses further sessions, and stores one again when another has ended", async () => {
    await withTables(({ tables }) => {
      for (const hash of ["a", "b", "c"]) expect(tables.store(storingOf(hash))).toBe("stored");
      expect(tables.store(storingOf("d"))).toBe("full");
      expect(tables.remove(removalOf("a", []))).toEqual([recordOf("a")]);
      expect(tables.store(storingOf("d"))).toBe("stored");
    });
  });

  it("sessions of another user are not removed from the object", async () => {
    await withTables(({ tables }) => {
      tables.store(storingOf("a"));
      expect(tables.remove({ ...removalOf("a", []), user: "bob" })).toEqual([]);
      expect(tables.read("a", IDLE_MS)?.user).toBe("ada");
    });
  });

  it("the alarm of the session object deletes expired rows of all its tables, a limited number at a time", async () => {
    await withTables(({ tables, clock, rows }) => {
      for (const hash of ["a", "b", "c"]) tables.store(storingOf(hash));
      tables.place(placeOf("a"));
      tables.endAll("bob", "revocation");
      tables.remove(removalOf("x", ["x"]));
      expect(tables.removeExpired(10)).toBe(false);
      expect(rows()).toBe(6);
      clock.now += 2 * HOUR_MS;
      expect(tables.removeExpired(2)).toBe(true);
      expect(rows()).toBe(1);
      expect(tables.removeExpired(2)).toBe(false);
      expect(tables.isEmpty()).toBe(true);
    });
  });

  it("a user with the most places gets another one after those without a session are named, or by the end of the oldest", async () => {
    await withTables(({ tables, clock }) => {
      for (const hash of ["a", "b"]) {
        expect(tables.place(placeOf(hash)).kind).toBe("placed");
        clock.now += 5 * MINUTE_MS;
      }
      expect(tables.place(placeOf("c"))).toEqual({ kind: "full", hashes: ["a", "b"] });
      expect(tables.place({ ...placeOf("c"), dead: ["b"] })).toMatchObject({ ending: [] });
      expect(tables.list("ada").map(({ hash }) => hash)).toEqual(["a", "c"]);
      expect(tables.place({ ...placeOf("d"), dead: [] })).toMatchObject({
        ending: [{ hash: "a", isPending: false }],
      });
    });
  });

  it("a place whose session could not be ended is returned again with the next place, until it is dropped", async () => {
    await withTables(({ tables }) => {
      tables.place(placeOf("a"));
      tables.endAll("ada", "revocation");
      const again = [{ hash: "a", isPending: true }];
      for (const hash of ["b", "c"])
        expect(tables.place(placeOf(hash))).toMatchObject({ kind: "placed", ending: again });
      tables.drop("ada", ["a"]);
      expect(tables.place({ ...placeOf("d"), dead: ["b"] })).toMatchObject({
        ending: [{ hash: "b" }],
      });
    });
  });

  it("sessions and places outlive a restart of the session object, and the alarm that finds none sets none again", async () => {
    const name = uniqueNamespace();
    const alarmOf = () => runInDurableObject(stubOf(name), (_, { storage }) => storage.getAlarm());
    const now = Date.now();
    expect(await alarmOf()).toBeNull();
    await rpcOf(name).store({
      record: { hash: "a", user: "ada", createdAt: now, endsAt: now + HOUR_MS },
      storeBy: now + MINUTE_MS,
      idleMs: IDLE_MS,
    });
    expect(await alarmOf()).not.toBeNull();
    await evictDurableObject(stubOf(name));
    expect((await rpcOf(name).read("a", IDLE_MS))?.user).toBe("ada");
    await runDurableObjectAlarm(stubOf(name));
    expect(await alarmOf()).not.toBeNull();
    await rpcOf(name).remove(removalOf("a", []));
    await runDurableObjectAlarm(stubOf(name));
    expect(await alarmOf()).toBeNull();
  });

  it("a session object whose tables a newer version has made refuses to open them", async () => {
    await runInDurableObject(stubOf(uniqueNamespace()), (_, { storage }) => {
      storage.sql.exec("UPDATE session_tables SET schema = 2");
      const open = () => createSessionTables({ sql: sqlOf(storage), now: () => START, maxRows: 3 });
      expect(open).toThrow("the tables have version 2; this class knows version 1");
      // The object itself opens them again when the file ends.
      storage.sql.exec("UPDATE session_tables SET schema = 1");
    });
  });
});
