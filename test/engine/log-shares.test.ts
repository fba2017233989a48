import { describe, expect, it } from "vitest";
import { decodeShare, encodeShare } from "../../src/core/log-share.ts";
import type { LogAnswer } from "../../src/core/log.ts";
import { CLOCK_MARGIN_MS } from "../../src/core/share-timing.ts";
import {
  createSharingIsolate,
  SHARING_SEQ,
  SHARING_WINDOW_MS,
  type SharingIsolate,
} from "../support/sharing-isolate.ts";

describe("a background sync with shares", () => {
  it("a background sync takes the share of the data centre, and asks neither Redis nor the log object", async () => {
    const isolate: SharingIsolate = await createSharingIsolate({
      read: async () => isolate.answerAt(isolate.now() - 50),
    });
    isolate.advance(900);
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 0, object: 0 });
    expect(isolate.sources()).toEqual(["share"]);
    expect(isolate.coherence.currentAt()).toBe(isolate.now() - 50);
  });

  it("a background sync without a share asks the log object, and writes the answer as the share", async () => {
    const isolate: SharingIsolate = await createSharingIsolate({
      region: async () => isolate.answerAt(isolate.now() - 20),
    });
    isolate.advance(700);
    const askedAt = isolate.now();
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 0, object: 1 });
    expect(isolate.sources()).toEqual(["object"]);
    expect(isolate.written).toEqual([isolate.answerAt(askedAt - 20)]);
  });

  it("a background sync waits for the share while another isolate of the data centre asks, and takes it when it comes", async () => {
    let looks = 0;
    const isolate: SharingIsolate = await createSharingIsolate({
      isClaimed: async () => true,
      read: async () => (++looks < 3 ? undefined : isolate.answerAt(isolate.now() - 60)),
    });
    looks = 0;
    isolate.advance(700);
    await isolate.read();
    expect(looks).toBe(3);
    expect(isolate.asked).toEqual({ redis: 0, object: 0 });
  });

  it("if the isolate that asks for the data centre never writes the share, the others ask Redis before their window ends", async () => {
    const isolate: SharingIsolate = await createSharingIsolate({ isClaimed: async () => true });
    isolate.advance(700);
    await isolate.read();
    expect(isolate.asked).toEqual({ redis: 1, object: 0 });
    expect(isolate.now() - 1_000_000).toBeLessThan(SHARING_WINDOW_MS);
  });

  it("an isolate that asked Redis syncs after 50 % of the window, and an isolate that read the share after 75 %", async () => {
    const isolate: SharingIsolate = await createSharingIsolate({
      read: async () => isolate.answerAt(isolate.now()),
    });
    const reads: number[] = [];
    for (let age = 0; age < 700; age += 10) {
      await isolate.read();
      if (isolate.sources().length > 0) break;
      reads.push(age);
      isolate.advance(10);
    }
    expect(reads.at(-1)).toBe(500);
    const before = isolate.sources().length;
    isolate.advance(750);
    await isolate.read();
    expect(isolate.sources()).toHaveLength(before);
    isolate.advance(1);
    await isolate.read();
    expect(isolate.sources()).toHaveLength(before + 1);
  });
});

describe("a share that is of no use", () => {
  const shares: [string, (isolate: SharingIsolate) => LogAnswer | undefined][] = [
    ["is absent", () => undefined],
    ["is older than the log view", ({ answerAt, now }) => answerAt(now() - 2_000)],
    ["has another era", ({ answerAt, now }) => answerAt(now() - 1, { era: "era-2" })],
    ["leaves changes out", ({ answerAt, now }) => answerAt(now() - 1, { truncated: true })],
    [
      "lacks the newest number",
      ({ answerAt, now }) => answerAt(now() - 1, { seq: SHARING_SEQ - 1 }),
    ],
    ["begins too late", ({ answerAt, now }) => answerAt(now() - 1, { since: SHARING_SEQ + 1 })],
    ["has an instant in the future", ({ answerAt, now }) => answerAt(now() + 1)],
    [
      "was written by a clock that is too far ahead",
      ({ answerAt, now }) => decodeShare(encodeShare(answerAt(now() + CLOCK_MARGIN_MS + 1)), now()),
    ],
  ];

  it.each(shares)(
    "if the share of the data centre %s, a background sync and a sync for which a read waits each ask Redis once",
    async (_, shareOf) => {
      const isolate: SharingIsolate = await createSharingIsolate({
        read: async () => shareOf(isolate),
      });
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
      const isolate: SharingIsolate = await createSharingIsolate({
        region: async () => shareOf(isolate),
      });
      isolate.advance(900);
      await isolate.read();
      expect(isolate.asked).toEqual({ redis: 1, object: 1 });
      expect(isolate.sources()).toEqual(["redis"]);
      expect(isolate.written).toHaveLength(1);
    },
  );

  it("after two questions in a row that the log object leaves unanswered until their time limit, it is not asked for 5 seconds", async () => {
    let isSilent = true;
    const isolate: SharingIsolate = await createSharingIsolate({
      region: async (_, timeoutMs) => {
        if (!isSilent) return isolate.answerAt(isolate.now());
        isolate.advance(timeoutMs);
        return undefined;
      },
    });
    for (let i = 0; i < 4; i++) {
      isolate.advance(600);
      await isolate.read();
    }
    expect(isolate.asked).toEqual({ redis: 4, object: 2 });
    isolate.advance(5_000);
    await isolate.read();
    isolate.advance(600);
    await isolate.read();
    expect(isolate.asked.object).toBe(3);
    isolate.advance(5_000);
    await isolate.read();
    isSilent = false;
    isolate.advance(600);
    await isolate.read();
    expect(isolate.asked.object).toBe(4);
    expect(isolate.sources().at(-1)).toBe("object");
  });
});

describe("syncs that shares never answer", () => {
  const sharing = async (): Promise<SharingIsolate> => {
    const isolate: SharingIsolate = await createSharingIsolate({
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
