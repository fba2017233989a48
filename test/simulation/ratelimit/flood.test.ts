import { describe, expect, it } from "vitest";
import { createAccountTable } from "../../../src/ratelimit/accounts.ts";
import { parseLimit } from "../../../src/ratelimit/window.ts";
import { defineBehaviour } from "../../../src/ratelimit/limit-policy.ts";
import { createModelLedger } from "./model-ledger.ts";
import { createVirtualTime } from "../virtual-time.ts";
import { createSimulatedIsolate } from "./world.ts";

const windows = parseLimit("100/1m", "ip");
const FLOOD = 100_000;

describe("a flood of 100,000 identities", () => {
  it.each(["fast", "strict"] as const)(
    "leaves the memory of an isolate bounded, its own clients' accounts right, %s",
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
      // What was given is charged, but for what still waits and what was forgiven, which is counted.
      expect(ledger.tally.confirmed + owing + forgiven).toBe(FLOOD);
      expect(settlement.unknown()).toBe(0);
    },
    120_000,
  );

  it("does not push out an identity that comes again now and then", () => {
    const table = createAccountTable({ maxAccounts: 1_000, maxOwing: 500 });
    const regular = table.get("ip:regular", windows, 0);
    for (let i = 0; i < FLOOD; i++) {
      table.get(`ip:${i}`, windows, i);
      if (i % 500 === 0) expect(table.get("ip:regular", windows, i)).toBe(regular);
      expect(table.stats().accounts).toBeLessThanOrEqual(1_000);
    }
    // Seen once, and 1,000 others since.
    expect(table.peek("ip:0")).toBeUndefined();
  });

  it("leaves nothing owed by an identity that is forgotten", () => {
    const table = createAccountTable({ maxAccounts: 10, maxOwing: 5 });
    const known = table.get("ip:1", windows, 0);
    table.owe(known, 3, 0);
    table.forget("ip:1");
    expect(known.debt).toBe(0);
    expect([...table.owing()]).toEqual([]);
  });

  it("of clients that come in turns makes none of them wait for the ledger", async () => {
    const time = createVirtualTime({ startMs: 1_763_720_000_000 });
    const ledger = createModelLedger({ time, latencyMs: () => 3, fate: () => "answered" });
    let asked = 0;
    const counted = {
      ...ledger,
      take: (...args: Parameters<typeof ledger.take>) => {
        if (args[0].requests > 0) asked++;
        return ledger.take(...args);
      },
    };
    const { limiter, ctx } = createSimulatedIsolate(counted, time);
    const behaviour = defineBehaviour({ mode: "fast" }, []);
    // 1,000 clients, 6 requests a millisecond: all of them use up their credit at once.
    for (let i = 0; i < 60_000; i++)
      time.after(i / 6, () => {
        const key = `ip:${i % 1_000}`;
        void limiter.decide([{ policy: "ip", key, windows }], 1, behaviour, ctx);
      });
    await time.run();
    expect(asked).toBe(0);
  }, 120_000);

  it("is settled with many identities a call, while Redis answers", async () => {
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
