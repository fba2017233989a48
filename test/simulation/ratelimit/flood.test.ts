import { describe, expect, it } from "vitest";
import { parseLimit } from "../../../src/ratelimit/limit.ts";
import { defineBehaviour } from "../../../src/ratelimit/policy.ts";
import { createModelLedger } from "./model-ledger.ts";
import { createVirtualTime } from "./virtual-time.ts";
import { createSimulatedIsolate } from "./world.ts";

const windows = parseLimit("100/1m", "ip");
const FLOOD = 100_000;

describe("a flood of 100,000 identities", () => {
  it.each(["fast", "strict"] as const)(
    "leaves the memory of an isolate bounded, its own clients' accounts right, %s",
    async (mode) => {
      const time = createVirtualTime(1_763_720_000_000);
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

  it("is settled with many identities a call, while Redis answers", async () => {
    const time = createVirtualTime(1_763_720_000_000);
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
