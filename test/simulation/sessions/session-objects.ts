/** The tables of several session objects over SQLite, behind the network of a simulation, and faults planted in them. */
import { DatabaseSync } from "node:sqlite";
import type { SessionStore } from "../../../src/core/sessions.ts";
import {
  createDurableSessionStore,
  type SessionPortOptions,
} from "../../../src/durable/session-port.ts";
import type { SessionRpc } from "../../../src/durable/session-rpc.ts";
import { createSessionTables, type SessionTables } from "../../../src/durable/session-tables.ts";
import { sqlOf } from "../../../bench/support/sqlite.ts";
import type { VirtualTime } from "../virtual-time.ts";
import type { SessionNetwork } from "./session-network.ts";

export const PLANTED_IN_OBJECTS = {
  "arrivals-not-refused":
    "an object does not store a session that was ended before it came from its isolate",
  "session-before-place": "every session has a place in the list of its user",
  "removal-ignored": "a revocation ends the session, and not only its place",
} as const;

export type ObjectFault = keyof typeof PLANTED_IN_OBJECTS | "none";

export interface SessionObjects {
  createStore(options: Omit<SessionPortOptions, "stub" | "shards" | "withTimeout">): SessionStore;
  /** Runs the alarms of all objects. Returns the number of rows that they keep. */
  rowsAtEnd(): number;
}

export interface SessionObjectsOptions {
  readonly shards: number;
  readonly network: SessionNetwork;
  readonly time: VirtualTime;
  readonly fault: ObjectFault;
}

const TABLES = ["sessions", "ended", "places", "revocations"];

export function createSessionObjects(options: SessionObjectsOptions): SessionObjects {
  const { shards, network, time, fault } = options;
  const now = () => Math.floor(time.now());
  const objects = new Map<string, { tables: SessionTables; db: DatabaseSync }>();

  function tablesOf(name: string): SessionTables {
    let object = objects.get(name);
    if (object === undefined) {
      const db = new DatabaseSync(":memory:");
      const tables = createSessionTables({ sql: sqlOf(db), now, maxRows: 1_000 });
      objects.set(name, (object = { tables: withObjectFault(tables, fault), db }));
    }
    return object.tables;
  }

  function stub(name: string): SessionRpc {
    const method =
      (key: keyof SessionRpc) =>
      (...args: unknown[]): Promise<unknown> => {
        const sent = structuredClone(args);
        const run = tablesOf(name)[key] as (...values: unknown[]) => unknown;
        return network.call(() => structuredClone(run(...sent)));
      };
    return new Proxy({}, { get: (_, key) => method(key as keyof SessionRpc) }) as SessionRpc;
  }

  return {
    createStore: (parts) =>
      createDurableSessionStore({
        ...parts,
        stub,
        shards,
        // The network ends the calls.
        withTimeout: (work) => work,
      }),

    rowsAtEnd() {
      let rows = 0;
      for (const { tables, db } of objects.values()) {
        tables.removeExpired(1_000);
        for (const table of TABLES) {
          const found = db.prepare(`SELECT count(*) AS rows FROM ${table}`).get();
          rows += Number(found?.["rows"]);
        }
        db.close();
      }
      return rows;
    },
  };
}

function withObjectFault(tables: SessionTables, fault: ObjectFault): SessionTables {
  if (fault === "arrivals-not-refused")
    return { ...tables, remove: (removal) => tables.remove({ ...removal, pending: [] }) };
  if (fault === "session-before-place")
    return {
      ...tables,
      place(request) {
        const placed = tables.place(request);
        if (placed.kind === "placed") tables.drop(request.user, [request.hash]);
        return placed;
      },
    };
  if (fault === "removal-ignored")
    return { ...tables, remove: ({ hashes, idleMs }) => tables.peek(hashes, idleMs) };
  return tables;
}
