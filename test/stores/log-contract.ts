/** What every shared store owes: the invalidation log. */
import { describe, expect, it } from "vitest";
import { MAX_CHANGES } from "../../src/core/log.ts";
import {
  logKeysOfPurge,
  type InvalidationKey,
  type LogKey,
} from "../../src/core/invalidation-key.ts";
import { setupLog, type StoreUnderTest } from "./subject.ts";

/** Declares the tests of the log of a store. */
export function describeLog(subject: StoreUnderTest): void {
  const setup = (namespace?: string) => setupLog(subject, namespace);

  describe("invalidating in the log", () => {
    it("an invalidation gives all its log keys one sequence number that is higher than all earlier ones", async () => {
      const { purge, numbers } = setup();
      const first = await purge("t:a", "t:b");
      const second = await purge("t:b", "~t:b");
      expect(second.seq).toBeGreaterThan(first.seq);
      expect(second.era).toBe(first.era);
      expect(await numbers("t:a", "t:b", "~t:b", "t:c")).toEqual([
        first.seq,
        second.seq,
        second.seq,
        0,
      ]);
    });

    it("an invalidation returns the highest sequence number that its log keys had before", async () => {
      const { purge } = setup();
      expect((await purge("t:a")).previous).toBe(0);
      const { seq } = await purge("t:b");
      expect((await purge("t:a", "t:b", "t:c")).previous).toBe(seq);
      expect((await purge("t:never")).previous).toBe(0);
    });

    it("the number of an invalidation is an exact integer near the microseconds of the store's clock", async () => {
      const { purge, sync } = setup();
      const { seq } = await purge("t:a");
      expect(Number.isSafeInteger(seq)).toBe(true);
      expect(seq).toBeGreaterThan(1.7e15);
      expect((await sync()).seq).toBe(seq);
    });

    it("an invalidation gets a higher sequence number than the last one, even if the last one is ahead of the clock", async () => {
      const { purge, inside } = setup();
      await purge("t:a");
      const ahead = 2 ** 52 + 12_345;
      await inside.setNewest(ahead);
      expect((await purge("t:b")).seq).toBe(ahead + 1);
      expect((await purge("t:b")).seq).toBe(ahead + 2);
    });

    it("concurrent invalidations get different sequence numbers and the same era of the invalidation log", async () => {
      const { namespace } = setup();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => setup(namespace).purge(`t:tag${i}`)),
      );
      expect(new Set(answers.map(({ seq }) => seq)).size).toBe(20);
      expect(new Set(answers.map(({ era }) => era)).size).toBe(1);
    });

    it("one invalidation gives 10,000 log keys the same sequence number", async () => {
      const { purge, numbers } = setup();
      const logKeys = Array.from({ length: 10_000 }, (_, i): LogKey => `k:product:${i}`);
      const { seq } = await purge(...logKeys);
      expect(await numbers("k:product:0", "k:product:5000", "k:product:9999")).toEqual([
        seq,
        seq,
        seq,
      ]);
      expect((await purge(...logKeys)).previous).toBe(seq);
    });

    it("an invalidation creates the invalidation log if the log is missing", async () => {
      const { purge, sync } = setup();
      const { era, seq } = await purge("t:a");
      expect(era).not.toBe("");
      expect(await sync()).toMatchObject({ era, seq });
    });

    it("an invalidation does not change the era of the invalidation log", async () => {
      const { purge, establish } = setup();
      const { era } = await establish();
      expect((await purge("t:a")).era).toBe(era);
    });

    it.each(["!seq", "!era:x", "!floor:9007199254740991", "~t:x", "t:", "n:", "%s", "\u2028"])(
      "an invalidation of the hostile tag %j changes only this tag in the invalidation log",
      async (tag) => {
        const { purge, establish, numbers, sync, inside } = setup();
        const before = await establish();
        const { seq } = await purge(...logKeysOfPurge({ tags: [tag] }));
        expect(await numbers(`t:${tag}`)).toEqual([seq]);
        const after = await sync(before.seq);
        expect(after).toMatchObject({ era: before.era, seq, floor: 0 });
        expect(after.changes).toEqual([[`t:${tag}`, seq]]);
        expect(await inside.logKeys()).toBe(1);
      },
    );
  });

  describe("syncing with the log", () => {
    it("a sync returns the invalidations whose number in the invalidation log is the given number or a higher one", async () => {
      const { purge, sync } = setup();
      await purge("t:a");
      const b = await purge("t:b");
      const c = await purge("t:c", "~n:");
      const { changes, ...head } = await sync(b.seq);
      expect(head).toMatchObject({
        era: c.era,
        seq: c.seq,
        floor: 0,
        since: b.seq,
        truncated: false,
      });
      expect(new Map(changes)).toEqual(
        new Map([
          ["t:b", b.seq],
          ["t:c", c.seq],
          ["~n:", c.seq],
        ]),
      );
    });

    it("a sync and a verification return the same state of the invalidation log", async () => {
      const { purge, sync, verify, trim, establish } = setup();
      const start = await establish();
      await trim(0);
      await purge("t:a");
      const { seq } = await purge("t:b", "t:c");
      await trim(60_000);
      for (const since of [start.seq, seq, seq - 1]) {
        const plain = await sync(since);
        const { log } = await verify(["t:a"], since);
        expect({ ...plain, sentAt: 0 }).toEqual({ ...log, sentAt: 0 });
      }
    });

    it("a sync from a number above every number of the invalidation log returns the era and no sequence number", async () => {
      const { purge, sync } = setup();
      const { seq, era } = await purge("t:a");
      expect(await sync(seq + 1)).toMatchObject({ era, seq: undefined, changes: [] });
    });

    it("a sync returns no era if the invalidation log is missing", async () => {
      const { sync } = setup();
      expect(await sync()).toMatchObject({ era: undefined, seq: undefined });
      expect(await sync(5)).toMatchObject({ era: undefined, seq: undefined });
    });

    it("if more than 1,000 changes are new, a sync returns only the newest 1,000 and marks its result as truncated", async () => {
      const { purge, sync, verify } = setup();
      const first = await purge("t:first");
      const many = await purge(...names(MAX_CHANGES - 10));
      const last = await purge(...names(100, "last"));
      for (const answer of [await sync(first.seq), (await verify(["n:"], first.seq)).log]) {
        expect(answer).toMatchObject({ truncated: true, era: last.era, seq: last.seq });
        expect(answer.changes.filter(([, seq]) => seq === last.seq)).toHaveLength(100);
        expect(answer.changes.map(([logKey]) => logKey)).not.toContain("t:first");
        expect(answer.changes.at(-1)?.[1]).toBe(many.seq);
      }
    });

    it("a sync returns a newest sequence number that no change exceeds even if the changes of one purge fill the whole response", async () => {
      const { purge, sync } = setup();
      const { seq } = await purge("t:a");
      const huge = await purge(...names(2 * MAX_CHANGES));
      const answer = await sync(seq);
      expect(answer).toMatchObject({ truncated: true, era: huge.era });
      expect(answer.seq).toBeGreaterThanOrEqual(huge.seq);
      expect(answer.changes.every(([, number]) => number === huge.seq)).toBe(true);
    });

    function names(count: number, prefix = "many"): InvalidationKey[] {
      return Array.from({ length: count }, (_, i): InvalidationKey => `t:${prefix}${i}`);
    }
  });

  describe("verifying with the log", () => {
    it("a verification returns the highest hard, soft and unconfirmed sequence numbers of the requested log keys", async () => {
      const { purge, verify } = setup();
      await purge("t:a");
      const b = await purge("t:b");
      const soft = await purge("~t:a");
      const { seq: unconfirmed } = await purge("?t:b");
      await purge("t:c");
      const numbers = { hard: b.seq, soft: soft.seq, unconfirmed };
      expect(await verify(["t:a", "t:b"])).toMatchObject(numbers);
      const none = { hard: 0, soft: 0, unconfirmed: 0 };
      expect(await verify(["t:never"])).toMatchObject(none);
      expect(await verify([])).toMatchObject({ ...none, log: { era: b.era } });
    });

    it("a verification of 6,000 log keys returns the sequence number of the only one that was invalidated", async () => {
      const { purge, verify } = setup();
      const logKeys = Array.from({ length: 6_000 }, (_, i): InvalidationKey => `t:${i}`);
      const { seq } = await purge("~t:5999");
      expect(await verify(logKeys)).toMatchObject({ hard: 0, soft: seq });
    });
  });
}
