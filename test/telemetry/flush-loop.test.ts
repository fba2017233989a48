import { describe, expect, it } from "vitest";
import { createFlushLoop } from "../../src/telemetry/export/flush-loop.ts";

/** A flush loop over a queue, with a clock and sleepers that the test moves. */
function setUp({ full = Number.POSITIVE_INFINITY } = {}) {
  let now = 0;
  let waiting = 0;
  let hangs = false;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const runs: { readonly at: number; readonly sent: number }[] = [];
  const background: Promise<unknown>[] = [];
  const flushLoop = createFlushLoop({
    everyMs: 1_000,
    now: () => now,
    isEmpty: () => waiting === 0,
    isFull: () => waiting >= full,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    async run() {
      const sent = Math.min(waiting, full);
      waiting -= sent;
      runs.push({ at: now, sent });
      if (hangs) await new Promise(() => undefined);
    },
  });

  return {
    runs,
    hang: (value: boolean) => void (hangs = value),
    async add(count: number): Promise<void> {
      waiting += count;
      flushLoop.start(now, (work) => background.push(work));
      await settle();
    },
    async pass(ms: number): Promise<void> {
      now += ms;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
      await settle();
    },
  };
}

/** Runs all work that does not wait for the clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 500; i++) await Promise.resolve();
}

describe("the flush loop", () => {
  it("the flush loop of telemetry sends the first item immediately, and sends later items together after one second", async () => {
    const { add, pass, runs } = setUp();
    await add(1);
    await add(1);
    await add(1);
    expect(runs).toEqual([{ at: 0, sent: 1 }]);
    // The first loop has ended with an empty queue. The next request started another, which sleeps.
    await pass(1_000);
    expect(runs).toEqual([
      { at: 0, sent: 1 },
      { at: 1_000, sent: 2 },
    ]);
  });

  it("the flush loop of telemetry sends a full batch immediately, without waiting for the interval", async () => {
    const { add, pass, runs } = setUp({ full: 10 });
    await add(1);
    await pass(100);
    await add(9);
    expect(runs.length).toBe(1);
    await add(1);
    expect(runs).toEqual([
      { at: 0, sent: 1 },
      { at: 100, sent: 10 },
    ]);
    await add(25);
    // Whole batches go one after the other. The rest waits for the interval.
    expect(runs.map(({ sent }) => sent)).toEqual([1, 10, 10, 10]);
    await pass(1_000);
    expect(runs.map(({ sent }) => sent)).toEqual([1, 10, 10, 10, 5]);
  });

  it("the flush loop of telemetry starts no second export for 5 s while its first export hangs", async () => {
    const { add, pass, hang, runs } = setUp({ full: 10 });
    hang(true);
    await add(10);
    for (let i = 0; i < 49; i++) {
      await pass(100);
      await add(10);
    }
    expect(runs.length).toBe(1);
    hang(false);
    await pass(100);
    await add(10);
    expect(runs.length).toBe(1 + 50);
    expect(runs.every(({ sent }) => sent === 10)).toBe(true);
  });
});
