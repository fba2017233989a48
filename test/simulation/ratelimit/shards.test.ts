/** A ledger of three objects: requests at the same time, and calls that the network loses. */
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { LedgerRpc } from "../../../src/durable/ledger-rpc.ts";
import { createDurableLedger } from "../../../src/durable/ledger-port.ts";
import type { OwnAlgorithm } from "../../../src/ratelimit/behaviour.ts";
import { createLedgerTables, type LedgerTables } from "../../../src/durable/ledger-tables.ts";
import { createRandom } from "../random.ts";
import { sqlOf } from "../../../bench/support/sqlite.ts";
import { createVirtualTime } from "../virtual-time.ts";
import { createTestBreaker } from "../../support/breakers.ts";
import { createQuietContext } from "./context.ts";

const LIMITS: Readonly<Record<string, number>> = { a: 8, b: 12, c: 20, d: 30 };
const KEYS = Object.keys(LIMITS);
const WINDOW = { widthMs: 3_600_000, label: "1h" };
const REQUESTS = 200;

interface Played {
  /** The tokens of admitted requests, by account. */
  readonly admitted: Readonly<Record<string, number>>;
  /** The tokens that the objects have, by account. */
  readonly charged: Readonly<Record<string, number>>;
  readonly gaveBack: number;
  readonly lost: number;
}

/** 200 requests for random accounts, within a second. `loss` is the share of calls that the network loses. */
async function play(algorithm: OwnAlgorithm, seed: number, loss: number): Promise<Played> {
  const random = createRandom(seed);
  const time = createVirtualTime();
  const ctx = createQuietContext(time.now);
  const objects = new Map<string, LedgerTables>();
  const tablesOf = (name: string): LedgerTables => {
    let tables = objects.get(name);
    if (tables === undefined) {
      const sql = sqlOf(new DatabaseSync(":memory:"));
      objects.set(name, (tables = createLedgerTables({ sql, now: time.now, maxRows: 1_000 })));
    }
    return tables;
  };
  let [gaveBack, lost] = [0, 0];

  async function send<T>(call: () => T): Promise<T> {
    await time.sleep(random() * 20);
    const fate = random();
    if (fate < loss / 2) {
      lost++;
      throw new Error("lost before");
    }
    const answer = structuredClone(call());
    await time.sleep(random() * 20);
    if (fate >= loss) return answer;
    lost++;
    throw new Error("lost after");
  }

  const stub = (name: string): LedgerRpc => ({
    take: (...args) => send(() => tablesOf(name).take(...structuredClone(args))),
    giveBack: (...args) =>
      send(() => {
        gaveBack++;
        return tablesOf(name).giveBack(...structuredClone(args));
      }),
    forget: (...args) => send(() => tablesOf(name).forget(...args)),
    ping: async () => undefined,
  });
  const ledger = createDurableLedger({
    stub,
    namespace: "n",
    shards: 3,
    algorithm,
    timeoutMs: 1_000,
    withTimeout: time.withTimeout,
    breakerOf: () => createTestBreaker({ failures: Infinity, minCalls: Infinity }),
  });

  const admitted: Record<string, number> = Object.fromEntries(KEYS.map((key) => [key, 0]));
  async function request(): Promise<void> {
    const cost = random() < 0.3 ? 2 : 1;
    const keys = KEYS.filter(() => random() < 0.5);
    const charges = keys.map((key) => ({
      key,
      windows: [{ limit: LIMITS[key]!, ...WINDOW }],
      debt: 0,
      debtAgeMs: 0,
    }));
    const taken = await ledger.take({ charges, cost, requests: 1 }, ctx);
    if (taken.ok && taken.value.admitted === 1)
      for (const key of keys) admitted[key] = admitted[key]! + cost;
  }
  for (let i = 0; i < REQUESTS; i++) time.after(random() * 1_000, () => void request());
  await time.run();

  const accounts = KEYS.map((key) => ({ key, windows: [{ limit: 1_000, ...WINDOW }] }));
  const charged: Record<string, number> = {};
  for (const account of accounts) {
    // The network loses this question too.
    for (;;) {
      const peeking = ledger.peek([account], ctx);
      await time.run();
      const peeked = await peeking;
      if (!peeked.ok) continue;
      charged[account.key] = 1_000 - peeked.value.balances[0]![0]!.remaining;
      break;
    }
  }
  return { admitted, charged, gaveBack, lost };
}

describe.each(["sliding-window", "sliding-log"] as const)("three objects with %s", (algorithm) => {
  it(`after 200 simultaneous requests for accounts in three ledger objects, each account of the algorithm '${algorithm}' has exactly the tokens of the admitted requests`, async () => {
    let gaveBack = 0;
    for (let seed = 0; seed < 20; seed++) {
      const played = await play(algorithm, seed, 0);
      expect(played.charged, `seed ${seed}`).toEqual(played.admitted);
      for (const key of KEYS) expect(played.charged[key]).toBeLessThanOrEqual(LIMITS[key]!);
      gaveBack += played.gaveBack;
    }
    // The test is of use only if objects did disagree.
    expect(gaveBack).toBeGreaterThan(20);
  }, 120_000);

  it(`a network that loses calls to three ledger objects never lets an account of the algorithm '${algorithm}' admit more than its limit`, async () => {
    let lost = 0;
    for (let seed = 0; seed < 20; seed++) {
      const played = await play(algorithm, seed, 0.2);
      for (const key of KEYS) {
        expect(played.admitted[key], `seed ${seed}`).toBeLessThanOrEqual(played.charged[key]!);
        expect(played.charged[key], `seed ${seed}`).toBeLessThanOrEqual(LIMITS[key]!);
      }
      lost += played.lost;
    }
    expect(lost).toBeGreaterThan(20);
  }, 120_000);
});
