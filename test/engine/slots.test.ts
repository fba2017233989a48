import { describe, expect, it, vi } from "vitest";
import type { DataReader, Load } from "../../src/core/data-reader.ts";
import { definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace, type TestIsolate } from "../support/isolate.ts";

const base = { jitter: 0, flight: "isolate" } as const;
const policy = definePolicy({
  ...base,
  freshFor: "10m",
  tiers: ["memory"],
  // On a busy machine, 500 loads take longer than the default.
  originTimeout: "1m",
});

/** Counts the loads that run at the origin. */
function createCountedOrigin(loadMs = 1) {
  let running = 0;
  const origin = {
    most: 0,
    loads: 0,
    async load(): Promise<number> {
      origin.loads++;
      origin.most = Math.max(origin.most, ++running);
      await new Promise((resolve) => setTimeout(resolve, loadMs));
      running--;
      return origin.loads;
    },
  };
  return origin;
}

const isolateWith = (slots: number) =>
  createTestIsolate({
    namespace: uniqueNamespace(),
    options: { origin: { slots, slotWait: "10s" }, redis: { timeout: "10s" } },
  });

const parts = (count: number) => Array.from({ length: count }, (_, i) => key("part", i));

describe("origin slots", () => {
  it("500 reads that one request makes while its first load runs cause at most 64 loads at the same time with the default number of origin slots", async () => {
    const reader = createTestIsolate({ namespace: uniqueNamespace() }).request();
    const origin = createCountedOrigin();
    const running = Promise.withResolvers<void>();
    const first = reader.read(key("page", 1), policy, () => {
      running.resolve();
      return origin.load();
    });
    await running.promise;
    await Promise.all([first, ...parts(500).map((part) => reader.read(part, policy, origin.load))]);
    expect(origin).toMatchObject({ loads: 501, most: 64 });
  });

  it("100 parallel reads inside one load run at most as many loads at the same time as there are origin slots", async () => {
    const reader = isolateWith(4).request();
    const origin = createCountedOrigin();
    await reader.read(key("page", 1), policy, async (load) => {
      await Promise.all(parts(100).map((part) => load.read(part, policy, origin.load)));
      return "page";
    });
    expect(origin).toMatchObject({ loads: 100, most: 4 });
  });

  it("loads nested three deep finish without a fault although there is one origin slot", async () => {
    const isolate = isolateWith(1);
    const origin = createCountedOrigin();
    const nested =
      (depth: number): Load<unknown> =>
      async ({ read }) =>
        depth === 0
          ? origin.load()
          : (await read(key("level", depth), policy, nested(depth - 1))).value;
    const { value } = await isolate.request().read(key("level", 4), policy, nested(3));
    expect(value).toBe(1);
    expect(isolate.events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("50 parallel reads of one request whose loads each read another value finish without a fault although there are 2 origin slots", async () => {
    const isolate = isolateWith(2);
    const reader = isolate.request();
    const origin = createCountedOrigin();
    const pages = parts(50).map((part, i) =>
      reader.read(key("page", i), policy, async ({ read }) => {
        await origin.load();
        await read(part, policy, origin.load);
        return origin.load();
      }),
    );
    await Promise.all(pages);
    expect(origin).toMatchObject({ loads: 150, most: 2 });
    expect(isolate.events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("a load that waits for another lookup, which waits for an origin slot, gives its slot to that lookup", async () => {
    const isolate = isolateWith(1);
    const origin = createCountedOrigin();
    const reader = isolate.request();
    const held = Promise.withResolvers<void>();
    // The page has the only slot before the lookup of the part begins, and reads the part after that.
    const began = Promise.withResolvers<void>();
    const page = reader.read(key("page", 1), policy, async ({ read }) => {
      began.resolve();
      await held.promise;
      return (await read(key("part", 1), policy, origin.load)).value;
    });
    await began.promise;
    const part = reader.read(key("part", 1), policy, origin.load);
    held.resolve();
    expect((await page).value).toBe(1);
    expect((await part).value).toBe(1);
    expect(isolate.events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("two reads of one load, of which the first reads the value of the second, finish without a fault although there is one origin slot", async () => {
    const isolate = isolateWith(1);
    const origin = createCountedOrigin();
    await isolate.request().read(key("site", 1), policy, async (load) => {
      const [page, part] = await Promise.all([
        load.read(key("page", 1), policy, async ({ read }) => {
          return (await read(key("part", 1), policy, origin.load)).value;
        }),
        load.read(key("part", 1), policy, origin.load),
      ]);
      return [page.value, part.value];
    });
    expect(origin.loads).toBe(1);
    expect(isolate.events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("two isolates whose loads each wait for a load of the other isolate, which waits for an origin slot, finish without a fault although each has one origin slot", async () => {
    const namespace = uniqueNamespace();
    const shared = definePolicy({ freshFor: "10m", jitter: 0, tiers: ["memory"] });
    const origin = createCountedOrigin();
    const gate = Promise.withResolvers<void>();
    const start = () =>
      createTestIsolate({
        namespace,
        options: { origin: { slots: 1, slotWait: "10s" }, flights: { grantTimeout: "10s" } },
      });
    const [one, other] = [start(), start()];

    const reads: Promise<unknown>[] = [];

    /** Begins a load that has the slot of its isolate and reads the part later, and a lookup of another part. */
    async function begin(isolate: TestIsolate, later: string, part: string): Promise<void> {
      const began = Promise.withResolvers<void>();
      const page = isolate.request().read(key("page", 1), policy, async ({ read }) => {
        began.resolve();
        await gate.promise;
        return (await read(later, shared, origin.load)).value;
      });
      await began.promise;
      reads.push(page, isolate.request().read(part, shared, origin.load));
      // The lookup has the lease of the part, and waits for a slot.
      const lease = { type: "durable.end", outcome: "leader" };
      await vi.waitFor(
        () => expect(isolate.events).toContainEqual(expect.objectContaining(lease)),
        { timeout: 10_000 },
      );
    }
    await begin(one, "part:1", "part:2");
    await begin(other, "part:2", "part:1");
    gate.resolve();
    await Promise.all(reads);
    expect(origin.loads).toBe(2);
    for (const { events } of [one, other])
      expect(events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("a batch read inside a load finishes without a fault although there is one origin slot", async () => {
    const isolate = isolateWith(1);
    const batch = async (keys: readonly string[]) => new Map(keys.map((name) => [name, name]));
    const { value } = await isolate.request().read(key("page", 1), policy, async ({ readMany }) => {
      const found = await readMany(parts(10), policy, batch);
      return found.size;
    });
    expect(value).toBe(10);
    expect(isolate.events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it.each(["read", "readMany"] as const)(
    "a refresh that a `%s` inside a load starts waits for an origin slot of its own",
    async (method) => {
      const isolate = isolateWith(1);
      const stale = definePolicy({ ...base, freshFor: "1s", staleWhileRevalidate: "1h" });
      const [part] = parts(1) as [string];
      let outerRuns = false;
      const overlaps: boolean[] = [];
      const one = async () => {
        overlaps.push(outerRuns);
        return "part";
      };
      const many = async () => new Map([[part, await one()]]);
      const readPart = (reader: DataReader) =>
        method === "read" ? reader.read(part, stale, one) : reader.readMany([part], stale, many);
      await readPart(isolate.request());
      isolate.clock.advance(2_000);
      await isolate.request().read(key("page", 1), policy, async (load) => {
        outerRuns = true;
        await readPart(load);
        // Time in which the refresh could begin.
        await new Promise((resolve) => setTimeout(resolve, 20));
        outerRuns = false;
        return "page";
      });
      await isolate.settle();
      expect(overlaps).toEqual([false, false]);
    },
  );

  it("two rounds of a warm-up load one after the other if there is one origin slot", async () => {
    const isolate = isolateWith(1);
    const origin = createCountedOrigin(50);
    const stored = definePolicy({ ...base, freshFor: "10m" });
    const load = async (keys: readonly string[]) => {
      await origin.load();
      return new Map(keys.map((name) => [name, name]));
    };
    const progress = isolate.request().warm(parts(400), stored, load, { concurrency: 2 });
    for await (const round of progress) expect(round.fault).toBeUndefined();
    expect(origin).toMatchObject({ loads: 2, most: 1 });
  });
});
