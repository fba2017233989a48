/** The cap over all isolates: the part of an isolate, and the ledger that shares the slots. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AskForGrant, GrantRequest } from "../../../src/core/slot-grants.ts";
import { createSlotLedger, GRANT_MS } from "../../../src/durable/slot-ledger.ts";
import { createSlotCap, type SlotCap } from "../../../src/resilience/slot-cap.ts";
import { createVirtualTime } from "../virtual-time.ts";

const HOLD_MS = 3_000;

function capOf(options: { freeSlots: number; now?: () => number; ask?: AskForGrant }) {
  const asked: GrantRequest[] = [];
  const grant: AskForGrant = async ({ wanted }) => ({ slots: wanted, forMs: GRANT_MS });
  const { ask = grant, now = () => 0, freeSlots } = options;
  const cap = createSlotCap({
    isolate: "a",
    slots: 64,
    total: 100,
    onGrant: () => undefined,
    freeSlots,
    now,
    ask: (request) => {
      asked.push(request);
      return ask(request);
    },
  });
  return { cap, asked };
}
const turns = () => new Promise((resolve) => setTimeout(resolve));

describe("the part of an isolate in the cap over all isolates", () => {
  it("an isolate asks for no grant while its free slots suffice", () => {
    const { cap, asked } = capOf({ freeSlots: 4 });
    for (let wanted = 0; wanted <= 4; wanted++) expect(cap.usable(wanted, HOLD_MS)).toBe(4);
    expect(asked).toEqual([]);
  });

  it("an isolate that wants more than its free slots asks once for the next multiple of 8 slots, and uses them after the answer", async () => {
    const { cap, asked } = capOf({ freeSlots: 4 });
    expect([cap.usable(5, HOLD_MS), cap.usable(6, HOLD_MS)]).toEqual([4, 4]);
    await turns();
    expect(cap.usable(12, HOLD_MS)).toBe(12);
    expect(asked).toEqual([
      { isolate: "a", sequence: 1, wanted: 8, held: 0, holdMs: HOLD_MS, total: 100 },
    ]);
  });

  it("an isolate whose grant has ended has its free slots until the next grant", async () => {
    let time = 0;
    const { cap, asked } = capOf({ freeSlots: 4, now: () => time });
    cap.usable(5, HOLD_MS);
    await turns();
    time = GRANT_MS - 1;
    expect(cap.usable(12, HOLD_MS)).toBe(12);
    expect(asked.length, "renewed before the end").toBe(2);
    await turns();
    time = 2 * GRANT_MS;
    expect(cap.usable(12, HOLD_MS)).toBe(4);
  });

  it("an isolate that gets no answer has its free slots, and asks again half a second later", async () => {
    let time = 0;
    const { cap, asked } = capOf({ freeSlots: 4, now: () => time, ask: async () => undefined });
    cap.usable(5, HOLD_MS);
    await turns();
    time = 499;
    expect(cap.usable(5, HOLD_MS)).toBe(4);
    time = 500;
    cap.usable(5, HOLD_MS);
    expect(asked.length).toBe(2);
  });

  it("an isolate whose question never ends, because the platform has ended its request, asks again after 5 s", () => {
    let time = 0;
    const ask: AskForGrant = () => new Promise(() => undefined);
    const { cap, asked } = capOf({ freeSlots: 4, now: () => time, ask });
    cap.usable(5, HOLD_MS);
    time = 4_999;
    cap.usable(5, HOLD_MS);
    expect(asked.length).toBe(1);
    time = 5_000;
    cap.usable(5, HOLD_MS);
    expect(asked.length).toBe(2);
  });
});

describe("the ledger of the slots of all isolates", () => {
  const request = { sequence: 1, held: 0, holdMs: HOLD_MS, total: 10 };

  it("the ledger grants all slots to the first isolate that wants them, and after a refusal shares them equally", () => {
    let time = 0;
    const ledger = createSlotLedger(() => time, 0);
    expect(ledger.grant({ ...request, isolate: "a", wanted: 16 }).slots).toBe(10);
    expect(ledger.grant({ ...request, isolate: "b", wanted: 16 }).slots).toBe(0);
    time = 100;
    expect(ledger.grant({ ...request, isolate: "a", sequence: 2, wanted: 8 }).slots).toBe(5);
  });

  it("the ledger grants the slots of an isolate that no longer asks to others once the calls under its last grant have ended", () => {
    let time = 0;
    const ledger = createSlotLedger(() => time, 0);
    ledger.grant({ ...request, isolate: "a", wanted: 10 });
    time = GRANT_MS + HOLD_MS;
    expect(ledger.grant({ ...request, isolate: "b", wanted: 8 }).slots).toBe(0);
    time += 1_000;
    expect(ledger.grant({ ...request, isolate: "b", sequence: 2, wanted: 8 }).slots).toBe(8);
  });

  it("a ledger that replaces a lost one grants an isolate no more than it holds until the calls under the lost grants have ended", () => {
    let time = 0;
    const ledger = createSlotLedger(() => time, 9_000);
    expect(ledger.grant({ ...request, isolate: "a", wanted: 8, held: 3 }).slots).toBe(3);
    time = 9_000;
    expect(ledger.grant({ ...request, isolate: "a", sequence: 2, wanted: 8 }).slots).toBe(8);
  });

  it("with lost questions, lost answers, dying isolates and a ledger that is lost and replaced, the calls of all isolates without free slots never exceed the cap", async () => {
    const call = fc.record({
      isolate: fc.nat({ max: 3 }),
      at: fc.nat({ max: 6_000 }),
      staysMs: fc.integer({ min: HOLD_MS - 1_000, max: HOLD_MS }),
    });
    const restarts = fc.array(fc.nat({ max: 30_000 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 100, maxLength: 400 }),
        restarts,
        fc.integer({ min: 1, max: 6 }),
        fc.nat(),
        async (calls, lostAt, total, seed) => {
          const time = createVirtualTime({ seed });
          let until = 0;
          let ledger = createSlotLedger(time.now, until);
          const ask: AskForGrant = async (asked) => {
            await time.sleep(time.random() * 400);
            if (time.random() < 0.6) return undefined;
            const answer = ledger.grant(asked);
            ({ until } = answer);
            await time.sleep(time.random() * 400);
            return time.random() < 0.1 ? undefined : answer;
          };
          for (const at of lostAt)
            time.after(at, () => {
              ledger = createSlotLedger(time.now, until);
            });
          let running = 0;
          let most = 0;
          let made = 0;
          const isolates = Array.from({ length: 4 }, (_, i) => {
            const isolate = { running: 0, cap: undefined as SlotCap | undefined };
            isolate.cap = createSlotCap({
              ask,
              isolate: String(i),
              freeSlots: 0,
              slots: 64,
              total,
              now: time.now,
              onGrant: () => undefined,
            });
            return isolate;
          });
          for (const one of calls)
            // One isolate after another is busy, so that the next one wants the slots of the last.
            time.after(one.isolate * 5_500 + one.at, () => {
              const isolate = isolates[one.isolate];
              if (isolate?.cap === undefined) return;
              if (isolate.running >= isolate.cap.usable(isolate.running + 1, HOLD_MS)) return;
              made++;
              isolate.running++;
              most = Math.max(most, ++running);
              time.after(one.staysMs, () => {
                isolate.running--;
                running--;
              });
            });
          await time.run();
          expect(most).toBeLessThanOrEqual(total);
          if (calls.length > 300 && lostAt.length === 0) expect(made).toBeGreaterThan(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
