import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { MAX_CHANGES } from "../../src/core/log.ts";
import type { Result } from "../../src/core/result.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { createDataCentreLog } from "../../src/tiers/data-centre-log.ts";
import { createTestContext } from "../support/context.ts";

const RECORD = "https://strata.test/__strata/log/record";

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.message}`);
  return result.value;
}

interface IsolateOptions {
  /** Stands between the isolate and the Cache API of the data centre. */
  readonly through?: (cache: Cache) => Pick<Cache, "match" | "put">;
  /** Default: the checks after an invalidation never come. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** A data centre of its own: a cache that no other test opens. */
function createDataCentre() {
  const name = `log-${crypto.randomUUID()}`;
  const open = () => caches.open(name);
  return {
    record: async () => (await (await open()).match(RECORD))?.text(),
    setRecord: async (text: string) =>
      (await open()).put(
        RECORD,
        new Response(text, { headers: { "Cache-Control": "public, max-age=600" } }),
      ),
    deleteRecord: async () => (await open()).delete(RECORD),
    isolate({
      through = (cache) => cache,
      sleep = () => new Promise(() => undefined),
    }: IsolateOptions = {}) {
      const store = createDataCentreLog({
        open: async () => through(await open()) as Cache,
        timeoutMs: 10_000,
        withTimeout,
        newId: () => crypto.randomUUID(),
        sleep,
      });
      const ctx = createTestContext({ host: "strata.test" });
      return {
        store,
        ctx,
        purge: async (...logKeys: LogKey[]) => valueOf(await store.invalidate(logKeys, [], ctx)),
        numbers: async (...logKeys: LogKey[]) => valueOf(await store.numbers(logKeys, ctx)),
        sync: async (since = 0, limit = MAX_CHANGES) =>
          valueOf(await store.sync(since, limit, ctx)),
        establish: async (known = { era: undefined as string | undefined, seq: 0 }) =>
          valueOf(await store.establish(known, ctx)),
      };
    },
  };
}

describe("the invalidation log of one data centre", () => {
  it("an invalidation of one isolate has the same number in another isolate of the data centre", async () => {
    const colo = createDataCentre();
    const [one, other] = [colo.isolate(), colo.isolate()];
    const { seq, era } = await one.purge("t:a");
    expect(await other.numbers("t:a", "t:b")).toEqual([seq, 0]);
    expect(await other.sync()).toMatchObject({ era, seq, changes: [["t:a", seq]] });
  });

  it("an invalidation is not seen in another data centre", async () => {
    const { seq } = await createDataCentre().isolate().purge("t:a");
    expect(seq).toBeGreaterThan(0);
    expect(await createDataCentre().isolate().numbers("t:a")).toEqual([0]);
  });

  it("numbers of one data centre rise, and each invalidation returns the highest number that its log keys had before", async () => {
    const colo = createDataCentre();
    const [one, other] = [colo.isolate(), colo.isolate()];
    const first = await one.purge("t:a");
    const second = await other.purge("t:a", "t:b");
    expect(second.seq).toBeGreaterThan(first.seq);
    expect(second).toMatchObject({ era: first.era, previous: first.seq });
    expect((await one.purge("t:never")).previous).toBe(0);
  });

  it("a verification returns the highest hard, soft and unconfirmed number of the keys of each entry", async () => {
    const one = createDataCentre().isolate();
    const hard = await one.purge("t:a");
    const soft = await one.purge("~t:b");
    const unconfirmed = await one.purge("?t:b");
    const { numbers } = valueOf(await one.store.verify([["t:a"], ["t:b"], ["t:c"]], 0, one.ctx));
    expect(numbers).toEqual([
      { hard: hard.seq, soft: 0, unconfirmed: 0 },
      { hard: 0, soft: soft.seq, unconfirmed: unconfirmed.seq },
      { hard: 0, soft: 0, unconfirmed: 0 },
    ]);
  });

  it("an answer with more changes than its limit has the newest ones, and is marked as truncated", async () => {
    const one = createDataCentre().isolate();
    const first = await one.purge("t:a");
    const second = await one.purge("t:b");
    expect(await one.sync(first.seq, 1)).toMatchObject({
      truncated: true,
      changes: [["t:b", second.seq]],
    });
  });

  it("a record with more than 2,000 log keys loses its older half, and its floor is the highest number that it lost", async () => {
    const one = createDataCentre().isolate();
    const old = await one.purge("t:old");
    const many = Array.from({ length: 1_500 }, (_, i): LogKey => `t:many${i}`);
    const middle = await one.purge(...many);
    const last = await one.purge(...many.map((name): LogKey => `${name}-new` as LogKey));
    expect(await one.sync()).toMatchObject({ floor: last.seq });
    expect(old.seq < middle.seq && middle.seq < last.seq).toBe(true);
    // Nothing below the floor may be taken for valid, so the writer learns the floor as the number before.
    expect((await one.purge("t:old")).previous).toBe(last.seq);
  });

  it("an isolate that knows a number that the record lost begins a new era", async () => {
    const colo = createDataCentre();
    const [one, other] = [colo.isolate(), colo.isolate()];
    const { era, seq } = await one.purge("t:a");
    await colo.deleteRecord();
    const renewed = await other.establish({ era, seq });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq);
    expect(await one.establish({ era, seq })).toMatchObject({ era: renewed.era });
  });
});

describe("two invalidations of a data centre at the same time", () => {
  it("an invalidation that another isolate's older record has overwritten is repeated by its isolate, and keeps a number that is at least as high", async () => {
    const colo = createDataCentre();
    await colo.isolate().purge("t:first");
    const read = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const checks: (() => void)[] = [];
    const one = colo.isolate({ sleep: () => new Promise((resolve) => void checks.push(resolve)) });
    const late = colo.isolate({
      through: (cache) => ({
        async match(request) {
          const found = await cache.match(request);
          read.resolve();
          await goOn.promise;
          return found;
        },
        put: (request, response) => cache.put(request, response),
      }),
    });

    const overwriting = late.purge("t:late");
    await read.promise;
    const lost = await one.purge("t:lost");
    goOn.resolve();
    const { seq: lateSeq } = await overwriting;
    expect(await colo.isolate().numbers("t:lost", "t:late")).toEqual([0, lateSeq]);

    checks[0]?.();
    await expect
      .poll(async () => (await colo.isolate().numbers("t:lost"))[0])
      .toBeGreaterThanOrEqual(lost.seq);
    expect((await colo.isolate().numbers("t:late"))[0]).toBe(lateSeq);
  });

  it("an invalidation that is overwritten before its isolate has read it back is written again before it is acknowledged", async () => {
    const colo = createDataCentre();
    let writes = 0;
    const rival = colo.isolate();
    const one = colo.isolate({
      through: (cache) => ({
        match: (request) => cache.match(request),
        async put(request, response) {
          const before = await (await cache.match(request))?.text();
          await cache.put(request, response);
          // The rival knows the record from before the first write.
          if (writes++ === 0 && before !== undefined) {
            await colo.setRecord(before);
            await rival.purge("t:rival");
          }
        },
      }),
    });
    await rival.purge("t:first");
    const { seq } = await one.purge("t:a");
    expect(writes).toBe(2);
    expect(await colo.isolate().numbers("t:a")).toEqual([seq]);
    expect((await colo.isolate().numbers("t:rival"))[0]).toBeGreaterThan(0);
  });
});

describe("a record that cannot be read", () => {
  it.each([
    ["another text", "hello"],
    ["a cut text", '["era",5,0,[["t:a",'],
    ["an object", '{"era":"x"}'],
    ["a number that is none", '["era","5",0,[]]'],
    ["a log key without a number", '["era",5,0,[["t:a"]]]'],
    ["a number of a log key that is a text", '["era",5,0,[["t:a","7"]]]'],
  ])("%s in place of the record is a lost log, so that a new era begins", async (_, text) => {
    const colo = createDataCentre();
    const one = colo.isolate();
    const { era, seq } = await one.purge("t:a");
    await colo.setRecord(text);
    expect(await one.sync()).toMatchObject({ era: undefined, seq: undefined });
    const renewed = await one.establish({ era, seq });
    expect(renewed.era).not.toBe(era);
    expect(renewed.seq).toBeGreaterThan(seq);
    expect((await one.purge("t:b")).era).toBe(renewed.era);
  });
});

describe("the checks after an invalidation", () => {
  it("an invalidation that another isolate follows before its check gets a newer number, which isolates that know the other number ask for", async () => {
    const colo = createDataCentre();
    const checks: (() => void)[] = [];
    const one = colo.isolate({ sleep: () => new Promise((resolve) => void checks.push(resolve)) });
    await one.purge("t:one");
    const later = await colo.isolate().purge("t:later");
    checks[0]?.();
    await expect.poll(async () => (await one.numbers("t:one"))[0]).toBeGreaterThan(later.seq);
    expect((await colo.isolate().sync(later.seq)).changes).toContainEqual([
      "t:one",
      (await one.numbers("t:one"))[0],
    ]);
  });

  it("a record that the Cache API loses at once fails the invalidation, and the isolate goes on with the log of its data centre", async () => {
    const colo = createDataCentre();
    await colo.isolate().purge("t:first");
    let loses = false;
    const one = colo.isolate({
      through: (cache) => ({
        match: (request) => cache.match(request),
        async put(request, response) {
          if (!loses) await cache.put(request, response);
          else await cache.delete(request);
        },
      }),
    });
    await one.numbers("t:first");
    loses = true;
    expect((await one.store.invalidate(["t:x"], [], one.ctx)).ok).toBe(false);
    loses = false;
    const { seq } = await colo.isolate().purge("t:other");
    expect(await one.numbers("t:other")).toEqual([seq]);
  });
});

describe("a data centre whose Cache API keeps nothing", () => {
  const nothing = () => ({ match: async () => undefined, put: async () => undefined });

  it("an invalidation is in the log of its own isolate where the Cache API keeps nothing, as on workers.dev", async () => {
    const colo = createDataCentre();
    const one = colo.isolate({ through: nothing });
    const { era } = await one.establish();
    const first = await one.purge("t:a");
    const second = await one.purge("t:b");
    expect(first.era).toBe(era);
    expect(await one.numbers("t:a", "t:b")).toEqual([first.seq, second.seq]);
    expect(await one.sync()).toMatchObject({ era, seq: second.seq });
    expect(await colo.record()).toBeUndefined();
  });

  it("an isolate without the Cache API has a log of its own", async () => {
    const store = createDataCentreLog({
      open: undefined,
      timeoutMs: 10_000,
      withTimeout,
      newId: () => "era",
      sleep: () => Promise.resolve(),
    });
    const ctx = createTestContext();
    const { seq } = valueOf(await store.invalidate(["t:a"], [], ctx));
    expect(valueOf(await store.numbers(["t:a"], ctx))).toEqual([seq]);
  });

  it("a Cache API that fails is a fault, and no acknowledgement", async () => {
    const broken = () => ({
      match: () => Promise.reject(new Error("away")),
      put: () => Promise.reject(new Error("away")),
    });
    const { store, ctx } = createDataCentre().isolate({ through: broken });
    const fault = { code: "edge.unavailable", message: "away" };
    expect(await store.invalidate(["t:a"], [], ctx)).toEqual({ ok: false, fault });
    expect(await store.sync(0, 10, ctx)).toEqual({ ok: false, fault });
  });
});
