import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { createDurableLedger } from "../../src/durable/ledger-port.ts";
import type { LedgerRpc } from "../../src/durable/ledger-rpc.ts";
import { createLedgerTables } from "../../src/durable/ledger-tables.ts";
import { sqlOf } from "../../src/durable/object-sql.ts";
import { createTestBreaker } from "../support/breakers.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";

it("a charge that makes a full ledger object delete accounts emits the event ledger.evict with their number, and other charges emit none", async () => {
  const stub = env.LEDGER.get(env.LEDGER.idFromName(uniqueNamespace()));
  const ctx = createTestContext();
  await runInDurableObject(stub, async (_, { storage }) => {
    const tables = createLedgerTables({ sql: sqlOf(storage), now: () => 1_000_000, maxRows: 2 });
    const ledger = createDurableLedger({
      stub: () => ({ take: async (...args) => tables.take(...args) }) as LedgerRpc,
      namespace: "n",
      shards: 1,
      algorithm: "sliding-window",
      timeoutMs: 10_000,
      withTimeout: (work) => work,
      breakerOf: () => createTestBreaker(),
    });
    const windows = [{ limit: 3, widthMs: 60_000, label: "1m" }];
    for (const value of ["a", "b", "c", "c"]) {
      const charge = { key: `api:ip:${value}`, windows, debt: 0, debtAgeMs: 0 };
      expect((await ledger.take({ charges: [charge], cost: 1, requests: 1 }, ctx)).ok).toBe(true);
    }
  });
  expect(ctx.events).toEqual([{ type: "ledger.evict", accounts: 1 }]);
});
