import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { CacheUnavailable, definePolicy, key } from "../../src/index.ts";
import { createTestIsolate, uniqueNamespace, type TestClock } from "../support/isolate.ts";

const item = key("item", 1);
const short = definePolicy({ freshFor: "10s", staleIfError: "1h", jitter: 0 });

function isolate() {
  return createTestIsolate({ namespace: uniqueNamespace() });
}

describe("a load", () => {
  it("a loader can set the fresh lifetime of its result with load.freshFor()", async () => {
    const { request, clock } = isolate();
    let loads = 0;
    const read = () =>
      request().read(item, short, async (load) => {
        load.freshFor("1h");
        return ++loads;
      });
    await read();
    clock.advance(60_000);
    expect((await read()).value).toBe(1);
    clock.advance(3_600_000);
    expect((await read()).value).toBe(2);
  });

  it("a loader that calls load.notModified() makes the stale value fresh again, and the value keeps its tags", async () => {
    const { request, clock, layer, settle } = isolate();
    const seen: unknown[] = [];
    const read = () =>
      request().read(item, short, async (load) => {
        seen.push(load.held);
        if (load.held !== undefined) load.notModified();
        else load.tag("found");
        return load.held === undefined ? { version: 1 } : undefined;
      });
    const first = await read();
    clock.advance(11_000);
    const again = await read();
    expect(seen).toEqual([undefined, { value: { version: 1 }, etag: first.entry?.etag }]);
    expect(again.status).toBe("miss");
    expect(again.value).toEqual({ version: 1 });
    expect((await read()).status).toBe("hit-memory");
    await settle();
    await layer.coherence.invalidate(["t:found"], request().ctx);
    expect((await read()).status).toBe("miss");
  });

  it("the result of a loader that calls load.noStore() is returned to the caller and is not stored", async () => {
    const { request } = isolate();
    let loads = 0;
    const read = () =>
      request().read(item, short, async (load) => {
        load.noStore();
        return ++loads;
      });
    const found = [await read(), await read()];
    expect(found.map(({ value, status }) => [value, status])).toEqual([
      [1, "bypass"],
      [2, "bypass"],
    ]);
  });

  it("a failing load runs once for all waiting readers, and later attempts wait for growing pauses", async () => {
    // The clock stands still during the reads, so that their own duration does not count.
    let time = Date.now();
    const clock: TestClock = {
      now: () => time,
      advance: (ms) => (time += ms),
      sleep: () => Promise.resolve(),
      stop: () => undefined,
    };
    const { request } = createTestIsolate({ namespace: uniqueNamespace(), clock });
    let attempts = 0;
    const read = () =>
      request().read(item, short, async () => {
        attempts++;
        throw new Error("origin is away");
      });
    const failures = await Promise.allSettled(Array.from({ length: 50 }, read));
    expect(failures.every(({ status }) => status === "rejected")).toBe(true);
    expect(attempts).toBe(1);
    await expect(read()).rejects.toThrow(CacheUnavailable);
    expect(attempts).toBe(2);
    await expect(read()).rejects.toThrow(CacheUnavailable);
    expect(attempts).toBe(2);
    const pauses: number[] = [];
    for (let i = 0; i < 5; i++) {
      let pause = 0;
      const before = attempts;
      while (attempts === before) {
        clock.advance(50);
        pause += 50;
        await expect(read()).rejects.toThrow("origin is away");
      }
      pauses.push(pause);
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(800);
  });

  it("a reader gets the stale value if a load exceeds the policy option `softTimeout`, and the next reader gets the loaded value", async () => {
    const { request, clock, settle } = isolate();
    const policy = definePolicy({
      freshFor: "10s",
      staleIfError: "1h",
      softTimeout: 20,
      jitter: 0,
    });
    await request().read(item, policy, async () => "old");
    clock.advance(11_000);
    const gate = Promise.withResolvers<string>();
    const late = await request().read(item, policy, () => gate.promise);
    expect([late.status, late.value]).toEqual(["stale", "old"]);
    gate.resolve("new");
    await settle();
    const next = await request().read(item, policy, async () => "newer");
    expect([next.status, next.value]).toEqual(["hit-memory", "new"]);
  });
});

describe("refresh ahead", () => {
  it.each([
    ["a share of the lifetime", { share: 0.5 }],
    ["a rising probability", { beta: 1e9 }],
  ] as const)(
    "refresh-ahead by %s loads in the background before the value is stale",
    async (_, refreshAhead) => {
      const { request, clock, settle } = createTestIsolate({
        namespace: uniqueNamespace(),
        random: () => 0.9,
      });
      const policy = definePolicy({ freshFor: "10s", refreshAhead, jitter: 0 });
      let loads = 0;
      const load = async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return ++loads;
      };
      await request().read(item, policy, load);
      await settle();
      if ("share" in refreshAhead) {
        clock.advance(4_000);
        await request().read(item, policy, load);
        await settle();
        expect(loads).toBe(1);
      }
      clock.advance(2_000);
      const hit = await request().read(item, policy, load);
      expect([hit.status, hit.value]).toEqual(["hit-memory", 1]);
      await settle();
      const next = await request().read(item, policy, load);
      expect([next.status, next.value]).toEqual(["hit-memory", 2]);
    },
  );

  it("refresh-ahead does not call the loader if Redis already has a newer value", async () => {
    const namespace = uniqueNamespace();
    const [one, two] = [
      createTestIsolate({ namespace, host: "a" }),
      createTestIsolate({ namespace, host: "b" }),
    ];
    const policy = definePolicy({ freshFor: "10s", refreshAhead: { share: 0.5 }, jitter: 0 });
    let loads = 0;
    const load = async () => ++loads;
    await one.request().read(item, policy, load);
    await one.settle();
    await two.request().read(item, policy, load);
    await two.settle();
    for (const { clock, request, settle } of [one, two]) {
      clock.advance(6_000);
      await request().read(item, policy, load);
      await settle();
    }
    expect(loads).toBe(2);
    expect((await two.request().read(item, policy, load)).value).toBe(2);
  });
});

describe("a schema", () => {
  const schema = z.object({ name: z.string() });

  it("a stored value that does not match the schema is a cache miss and is deleted", async () => {
    const namespace = uniqueNamespace();
    const before = createTestIsolate({ namespace });
    await before
      .request()
      .read(item, definePolicy({ freshFor: "1h" }), async () => ({ title: "x" }));
    await before.settle();
    const after = createTestIsolate({ namespace });
    const policy = definePolicy({ freshFor: "1h", schema });
    const found = await after.request().read(item, policy, async () => ({ name: "x" }));
    expect([found.status, found.value]).toEqual(["miss", { name: "x" }]);
    await after.settle();
    expect((await after.request().read(item, policy, async () => null)).value).toEqual({
      name: "x",
    });
  });

  it("the policy option `migrate` converts a stored value of an older schema, without a load from the origin", async () => {
    const { request, settle } = isolate();
    await request().read(item, definePolicy({ freshFor: "1h" }), async () => ({ title: "x" }));
    await settle();
    const policy = definePolicy({
      freshFor: "1h",
      schema,
      migrate: (value) => ({ name: (value as { title: string }).title }),
    });
    const found = await request().read(item, policy, async () => ({ name: "loaded" }));
    expect([found.status, found.value]).toEqual(["hit-memory", { name: "x" }]);
  });
});

describe("a policy", () => {
  it.each([
    ["refreshAhead.share", { refreshAhead: { share: 1 } }],
    ["refreshAhead.beta", { refreshAhead: { beta: 0 } }],
    ["softTimeout", { softTimeout: -1 }],
  ])(
    "definePolicy() rejects an invalid policy option %s with an error that names the option",
    (field, options) => {
      expect(() => definePolicy({ freshFor: "1m", ...options })).toThrow(field);
    },
  );
});
