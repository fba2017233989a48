import { describe, expect, it } from "vitest";
import { CLOCK_MARGIN_MS, decodeShare, encodeShare } from "../../src/core/log-share.ts";
import type { LogShares, NearShare, RegionLog } from "../../src/core/log-shares.ts";
import { done, failed } from "../../src/core/faults.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import type { SharedStore } from "../../src/core/shared-store.ts";
import { createCoherence } from "../../src/engine/coherence.ts";
import { createLogShares } from "../../src/engine/log-shares.ts";
import { createTestContext } from "../support/context.ts";

const WINDOW_MS = 1_000;
const SEQ = 5_000;

/** One isolate with a log view of the instant 0, over a store, a share and a log object of the test. */
async function createIsolate(hostile: Partial<NearShare> & { region?: RegionLog["ask"] } = {}) {
  let now = 1_000_000;
  const ctx = createTestContext({ now: () => now });
  const asked = { redis: 0, object: 0 };
  const written: LogAnswer[] = [];
  let isRedisAway = false;

  const answerAt = (sentAt: number, fields: Partial<LogAnswer> = {}): LogAnswer => ({
    sentAt,
    era: "era-1",
    seq: SEQ,
    floor: 0,
    since: 0,
    truncated: false,
    changes: [],
    ...fields,
  });

  const store: Pick<SharedStore, "sync" | "establish"> = {
    sync: (since) => {
      asked.redis++;
      return Promise.resolve(
        isRedisAway ? failed("redis.timeout", "away") : done(answerAt(now, { since })),
      );
    },
    establish: () => Promise.resolve(done(answerAt(now))),
  };
  const near: NearShare = {
    read: async () => undefined,
    write: async (answer) => void written.push(answer),
    isClaimed: async () => false,
    claim: async () => undefined,
    ...hostile,
  };
  const region: RegionLog = {
    ask: async (...args) => {
      asked.object++;
      return hostile.region?.(...args);
    },
  };
  const shares: LogShares = createLogShares({
    near,
    region,
    random: () => 0,
    sleep: async (ms) => void (now += ms),
  });
  const coherence = createCoherence({
    store: store as SharedStore,
    shares,
    timeoutMs: 1_000,
    withTimeout: (work) => work,
  });
  await coherence.ensureCurrent(now, WINDOW_MS, ctx);
  await ctx.settle();
  const firstSync = { ...asked };
  asked.redis = 0;
  written.length = 0;

  return {
    /** The questions of the first sync. `asked` counts those after it. */
    firstSync,
    asked,
    written,
    answerAt,
    coherence,
    now: () => now,
    loseRedis: (is: boolean) => void (isRedisAway = is),
    advance: (ms: number) => void (now += ms),
    /** The sources of the syncs so far, without the first. */
    sources: () =>
      ctx.events.flatMap((event) => (event.type === "log.sync" ? [event.from] : [])).slice(1),
    /** One read of memory: whether the log view is recent enough for it, and all that follows. */
    async read(windowMs = WINDOW_MS) {
      const isCurrent = coherence.isCurrent(now, windowMs, ctx);
      const state = isCurrent ? "current" : await coherence.ensureCurrent(now, windowMs, ctx);
      await ctx.settle();
      return { isCurrent, state };
    },
  };
}

type Isolate = Awaited<ReturnType<typeof createIsolate>>;

describe("a background sync with shares", () => {
  it("a background sync takes the share of the data centre, and asks neither Redis nor the log object", async () => {
    const isolate: Isolate = await createIsolate({
      read: async () => isolate.answerAt(isolate.now() - 50),
    });
    isolate.advance(900);
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 0, object: 0 });
    expect(isolate.sources()).toEqual(["share"]);
    expect(isolate.coherence.currentAt()).toBe(isolate.now() - 50);
  });

  it("a background sync without a share asks the log object, and writes the answer as the share", async () => {
    const isolate: Isolate = await createIsolate({
      region: async () => isolate.answerAt(isolate.now() - 20),
    });
    isolate.advance(700);
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 0, object: 1 });
    expect(isolate.sources()).toEqual(["object"]);
    expect(isolate.written).toEqual([isolate.answerAt(isolate.now() - 20)]);
  });

  it("a background sync waits for the share while another isolate of the data centre asks, and takes it when it comes", async () => {
    let looks = 0;
    const isolate: Isolate = await createIsolate({
      isClaimed: async () => true,
      read: async () => (++looks < 3 ? undefined : isolate.answerAt(isolate.now() - 60)),
    });
    looks = 0;
    isolate.advance(700);
    await isolate.read();
    expect(looks).toBe(3);
    expect(isolate.asked).toEqual({ redis: 0, object: 0 });
  });

  it("if the isolate that asks for the data centre never writes the share, the others ask the log object before their window ends", async () => {
    const isolate: Isolate = await createIsolate({
      isClaimed: async () => true,
      region: async () => isolate.answerAt(isolate.now() - 20),
    });
    isolate.advance(700);
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 0, object: 1 });
    expect(isolate.now() - 1_000_000).toBeLessThan(WINDOW_MS);
  });

  it("the isolate that asked last for its data centre syncs after 65 % of the window, and the others after 85 %", async () => {
    const isolate: Isolate = await createIsolate({
      read: async () => isolate.answerAt(isolate.now()),
    });
    const reads: number[] = [];
    for (let age = 0; age < 700; age += 10) {
      await isolate.read();
      if (isolate.sources().length > 0) break;
      reads.push(age);
      isolate.advance(10);
    }
    expect(reads.at(-1)).toBe(650);
    const before = isolate.sources().length;
    isolate.advance(850);
    await isolate.read();
    expect(isolate.sources()).toHaveLength(before);
    isolate.advance(1);
    await isolate.read();
    expect(isolate.sources()).toHaveLength(before + 1);
  });
});

describe("a share that is of no use", () => {
  const shares: [string, (isolate: Isolate) => LogAnswer | undefined][] = [
    ["is absent", () => undefined],
    ["is older than the log view", ({ answerAt, now }) => answerAt(now() - 2_000)],
    ["has another era", ({ answerAt, now }) => answerAt(now() - 1, { era: "era-2" })],
    ["leaves changes out", ({ answerAt, now }) => answerAt(now() - 1, { truncated: true })],
    ["lacks the newest number", ({ answerAt, now }) => answerAt(now() - 1, { seq: SEQ - 1 })],
    ["begins too late", ({ answerAt, now }) => answerAt(now() - 1, { since: SEQ + 1 })],
    ["has an instant in the future", ({ answerAt, now }) => answerAt(now() + 1)],
    [
      "was written by a clock that is too far ahead",
      ({ answerAt, now }) => decodeShare(encodeShare(answerAt(now() + CLOCK_MARGIN_MS + 1)), now()),
    ],
  ];

  it.each(shares)(
    "if the share of the data centre %s, a background sync and a sync for which a read waits each ask Redis once",
    async (_, shareOf) => {
      const isolate: Isolate = await createIsolate({ read: async () => shareOf(isolate) });
      isolate.advance(900);
      expect(await isolate.read()).toEqual({ isCurrent: true, state: "current" });
      expect(isolate.asked.redis).toBe(1);
      isolate.advance(1_500);
      expect(await isolate.read()).toEqual({ isCurrent: false, state: "current" });
      expect(isolate.asked.redis).toBe(2);
      expect(isolate.coherence.currentAt()).toBe(isolate.now());
    },
  );

  it.each(shares.slice(0, -1))(
    "if the answer of the log object %s, a background sync asks Redis once and shares the answer of Redis",
    async (_, shareOf) => {
      const isolate: Isolate = await createIsolate({ region: async () => shareOf(isolate) });
      isolate.advance(900);
      await isolate.read();
      expect(isolate.asked).toEqual({ redis: 1, object: 1 });
      expect(isolate.sources()).toEqual(["redis"]);
      expect(isolate.written).toHaveLength(1);
    },
  );

  it("a log object that stays silent until its time limit is not asked again for 5 seconds", async () => {
    const isolate: Isolate = await createIsolate({
      region: async (_, timeoutMs) => {
        isolate.advance(timeoutMs);
        return undefined;
      },
    });
    for (let i = 0; i < 4; i++) {
      isolate.advance(700);
      await isolate.read();
    }
    expect(isolate.asked).toEqual({ redis: 4, object: 1 });
    isolate.advance(5_000);
    await isolate.read();
    isolate.advance(700);
    await isolate.read();
    expect(isolate.asked.object).toBe(2);
  });
});

describe("syncs that shares never answer", () => {
  const sharing = async (): Promise<Isolate> => {
    const isolate: Isolate = await createIsolate({
      read: async () => isolate.answerAt(isolate.now()),
      region: async () => isolate.answerAt(isolate.now()),
    });
    return isolate;
  };

  it("a read that waits for a sync takes a recent share of the data centre, and never asks the log object", async () => {
    const isolate = await sharing();
    isolate.advance(5_000);
    expect(await isolate.read()).toEqual({ isCurrent: false, state: "current" });
    expect(isolate.asked).toEqual({ redis: 0, object: 0 });
  });

  it("the first sync of an isolate asks Redis, since no share begins an era", async () => {
    const isolate = await sharing();
    expect(isolate.firstSync).toEqual({ redis: 1, object: 0 });
  });

  it.each([0, 999])("a read with a coherence window of %i ms asks Redis", async (windowMs) => {
    const isolate = await sharing();
    isolate.advance(1_500);
    await isolate.read(windowMs);
    expect(isolate.asked).toEqual({ redis: 1, object: 0 });
  });

  it("while Redis fails, an isolate asks Redis itself until Redis answers", async () => {
    const isolate = await sharing();
    isolate.loseRedis(true);
    isolate.advance(1_500);
    await isolate.read(0);
    await isolate.read();
    expect(isolate.asked.redis).toBe(2);
    isolate.loseRedis(false);
    await isolate.read();
    expect(isolate.asked.redis).toBe(3);
    isolate.advance(900);
    await isolate.read();
    expect(isolate.asked.redis).toBe(3);
  });
});
