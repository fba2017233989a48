import { describe, expect, it } from "vitest";
import { createAccountTable } from "../../../src/ratelimit/account-table.ts";
import { parseLimit } from "../../../src/ratelimit/window.ts";
import { defineBehaviour } from "../../../src/ratelimit/behaviour.ts";
import { createModelLedger } from "./model-ledger.ts";
import { createVirtualTime } from "../virtual-time.ts";
import { createSimulatedIsolate } from "./simulated-isolate.ts";

const windows = parseLimit("100/1m", "ip");
const FLOOD = 100_000;

describe("a flood of 100,000 identities", () => {
  it.each(["fast", "strict"] as const)(
    "with 100,000 identities, an isolate holds at most 10,000 rate-limit accounts and accounts for every token in %s mode",
    async (mode) => {
      const time = createVirtualTime({ startMs: 1_763_720_000_000 });
      const ledger = createModelLedger({ time, latencyMs: () => 3, fate: () => "answered" });
      const { limiter, table, settlement, ctx } = createSimulatedIsolate(ledger, time);
      const behaviour = defineBehaviour({ mode }, []);
      const most = { accounts: 0, owing: 0 };
      for (let i = 0; i < FLOOD; i++)
        time.after(i / 10, () => {
          void limiter.decide([{ policy: "ip", key: `ip:${i}`, windows }], 1, behaviour, ctx);
          const { accounts, owing } = table.stats();
          most.accounts = Math.max(most.accounts, accounts);
          most.owing = Math.max(most.owing, owing);
        });
      await time.run();
      expect(most.accounts).toBe(10_000);
      expect(most.owing).toBeLessThanOrEqual(5_000);
      const { owing, forgiven } = table.stats();
      // Every token given is charged, still owed, or counted as forgiven.
      expect(ledger.tally.confirmed + owing + forgiven).toBe(FLOOD);
      expect(settlement.unknown()).toBe(0);
    },
    120_000,
  );

  it("a flood of new identities does not evict a rate-limit account that is used regularly", () => {
    const table = createAccountTable({ maxAccounts: 1_000, maxOwing: 500 });
    const regular = table.get("ip:regular", windows, 0);
    for (let i = 0; i < FLOOD; i++) {
      table.get(`ip:${i}`, windows, i);
      if (i % 500 === 0) expect(table.get("ip:regular", windows, i)).toBe(regular);
      expect(table.stats().accounts).toBeLessThanOrEqual(1_000);
    }
    // This account was used once, and 1,000 others after it.
    expect(table.peek("ip:0")).toBeUndefined();
  });

  it("removing a rate-limit account from memory also removes the debt of the account", () => {
    const table = createAccountTable({ maxAccounts: 10, maxOwing: 5 });
    const account = table.get("ip:1", windows, 0);
    table.owe(account, 3, 0);
    table.forget("ip:1");
    expect(account.debt).toBe(0);
    expect([...table.owing()]).toEqual([]);
  });

  it("no rate-limited request waits for the token ledger while 1,000 clients take turns below their limit", async () => {
    const time = createVirtualTime({ startMs: 1_763_720_000_000 });
    const ledger = createModelLedger({ time, latencyMs: () => 3, fate: () => "answered" });
    let asking = 0;
    const counted = {
      ...ledger,
      take: (...args: Parameters<typeof ledger.take>) => {
        if (args[0].requests > 0) asking++;
        return ledger.take(...args);
      },
    };
    const { limiter, ctx } = createSimulatedIsolate(counted, time);
    const behaviour = defineBehaviour({ mode: "fast" }, []);
    // 1,000 clients and 6 requests a millisecond: all clients reach three quarters of their lease at the same time.
    for (let i = 0; i < 60_000; i++)
      time.after(i / 6, () => {
        const key = `ip:${i % 1_000}`;
        void limiter.decide([{ policy: "ip", key, windows }], 1, behaviour, ctx);
      });
    await time.run();
    expect(asking).toBe(0);
  }, 120_000);

  it("in a flood of 100,000 identities, a rate limiter settles more than 20 accounts per ledger call on average and loses no debt", async () => {
    const time = createVirtualTime({ startMs: 1_763_720_000_000 });
    const ledger = createModelLedger({ time, latencyMs: () => 3, fate: () => "answered" });
    let calls = 0;
    const counted = {
      ...ledger,
      take: (...args: Parameters<typeof ledger.take>) => (calls++, ledger.take(...args)),
    };
    const { limiter, table, ctx } = createSimulatedIsolate(counted, time);
    const behaviour = defineBehaviour({ mode: "fast" }, []);
    for (let i = 0; i < FLOOD; i++)
      time.after(i, () => {
        void limiter.decide([{ policy: "ip", key: `ip:${i}`, windows }], 1, behaviour, ctx);
      });
    await time.run();
    expect(table.stats().forgiven).toBe(0);
    expect(calls).toBeLessThan(FLOOD / 20);
  }, 120_000);
});
