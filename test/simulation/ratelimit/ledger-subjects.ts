/** Both ledgers with a clock that the test sets, and random requests for them. */
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import type { LedgerRpc } from "../../../src/durable/ledger-rpc.ts";
import { createDurableLedger } from "../../../src/durable/ledger-port.ts";
import { createLedgerTables, type LedgerTables } from "../../../src/durable/ledger-tables.ts";
import type { Ledger, TakeResult } from "../../../src/ratelimit/ledger.ts";
import { createAnyRedisLedger } from "../../../src/ratelimit/stock-ledger.ts";
import type { Window } from "../../../src/ratelimit/window.ts";
import { sqlOf } from "../../../bench/support/sqlite.ts";
import { createTestBreaker } from "../../support/breakers.ts";
import { createQuietContext } from "./context.ts";
import { createSimulatedRedis } from "./redis.ts";

export const runs = Number(process.env["RATE_SIMULATIONS"] ?? 100);
export const START = 1_763_720_000_000;
export const ctx = createQuietContext(() => START);

export type LedgerAlgorithm = "sliding-window" | "sliding-log";

export interface LedgerSubject {
  readonly ledger: Ledger;
  /** The clock of the ledger, in milliseconds. */
  readonly clock: { now: number };
}

type CreateSubject = (algorithm: LedgerAlgorithm) => LedgerSubject;

function createRedisSubject(algorithm: LedgerAlgorithm): LedgerSubject {
  const redis = createSimulatedRedis(START);
  let ids = 0;
  const newId = () => `id${ids++}`;
  const ledger = createAnyRedisLedger({ redis: redis.client, namespace: "t", algorithm, newId });
  return { ledger, clock: redis };
}

/** The tables of the objects over SQLite, behind calls that copy what they carry. */
const createDurableSubject =
  (shards: number): CreateSubject =>
  (algorithm) => {
    const clock = { now: START };
    const objects = new Map<string, LedgerTables>();
    const tablesOf = (name: string): LedgerTables => {
      let tables = objects.get(name);
      if (tables === undefined) {
        const sql = sqlOf(new DatabaseSync(":memory:"));
        tables = createLedgerTables({ sql, now: () => clock.now, maxRows: 10_000 });
        objects.set(name, tables);
      }
      return tables;
    };
    const stub = (name: string): LedgerRpc => ({
      take: async (...args) => structuredClone(tablesOf(name).take(...structuredClone(args))),
      giveBack: async (...args) =>
        structuredClone(tablesOf(name).giveBack(...structuredClone(args))),
      forget: async (...args) => tablesOf(name).forget(...args),
      ping: async () => undefined,
    });
    const ledger = createDurableLedger({
      stub,
      namespace: "t",
      shards,
      algorithm,
      timeoutMs: 1_000,
      withTimeout: (work) => work,
      breakerOf: () => createTestBreaker({ failures: Infinity, minCalls: Infinity }),
    });
    return { ledger, clock };
  };

export const LEDGERS: readonly (readonly [name: string, create: CreateSubject])[] = [
  ["Redis", createRedisSubject],
  ["one Durable Object", createDurableSubject(1)],
  ["three Durable Objects", createDurableSubject(3)],
];

/** Random gaps between requests, many of them at the edges of a span, where decisions change. */
function arrivals(widthMs: number) {
  return fc.array(
    fc.record({
      afterMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: Math.ceil(widthMs / 10) }),
        fc.integer({ min: 0, max: widthMs }),
        fc.constantFrom(1, widthMs - 1, widthMs, widthMs + 1, 2 * widthMs),
      ),
      cost: fc.constantFrom(1, 1, 1, 2, 3),
    }),
    { minLength: 5, maxLength: 60 },
  );
}

export const plays = fc
  .record({ limit: fc.integer({ min: 3, max: 20 }), widthMs: fc.integer({ min: 10, max: 2_000 }) })
  .chain(({ limit, widthMs }) =>
    arrivals(widthMs).map((list) => ({ window: { limit, widthMs, label: "x" }, list })),
  );

export async function take(ledger: Ledger, window: Window, cost: number): Promise<TakeResult> {
  const charges = [{ key: "a", windows: [window], debt: 0, debtAgeMs: 0 }];
  const result = await ledger.take({ charges, cost, requests: 1 }, ctx);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

export interface Admitted {
  readonly at: number;
  readonly cost: number;
}

export const tokensBetween = (list: readonly Admitted[], from: number, to: number): number =>
  list.filter(({ at }) => at > from && at <= to).reduce((sum, { cost }) => sum + cost, 0);
