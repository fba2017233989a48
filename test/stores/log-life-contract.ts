/** What every shared store owes: the beginning of the invalidation log, its loss, and its trimming. */
import { describe, expect, it } from "vitest";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { TOP } from "../../src/core/log.ts";
import { verdictByNumbers } from "../../src/core/log-verdict.ts";
import { entryOf, invalidationKeysOf } from "../support/entries.ts";
import { valueOf } from "../redis/stores.ts";
import { setupLog, type StoreUnderTest } from "./subject.ts";

/** Declares the tests of the life of a store's log. */
export function describeLogLife(subject: StoreUnderTest): void {
  const setup = (namespace?: string) => setupLog(subject, namespace);

  describe("establishing the log", () => {
    it("isolates that create the invalidation log at the same time get the same era", async () => {
      const { namespace } = setup();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => setup(namespace).establish()),
      );
      expect(new Set(answers.map(({ era }) => era)).size).toBe(1);
      expect(new Set(answers.map(({ seq }) => seq)).size).toBe(1);
      expect(answers[0]?.era).toMatch(/^[0-9a-f-]{36}$/);
    });

    it("isolates that recreate a lost invalidation log at the same time get the same new era", async () => {
      const { namespace, establish, inside } = setup();
      const { era, seq } = await establish();
      await inside.dropLog();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => setup(namespace).establish({ era, seq: seq ?? 0 })),
      );
      const [renewed] = new Set(answers.map((answer) => answer.era));
      expect(new Set(answers.map((answer) => answer.era)).size).toBe(1);
      expect(renewed).not.toBe(era);
      for (const answer of answers) expect(answer.seq).toBeGreaterThan(seq ?? 0);
    });

    it("the store method establish() leaves an invalidation log unchanged that has every number that the isolate has seen", async () => {
      const { establish, purge } = setup();
      const { era } = await establish();
      const { seq } = await purge("t:a");
      expect(await establish({ era, seq: seq ?? 0 })).toMatchObject({
        era,
        seq,
        changes: [["t:a", seq]],
      });
      expect(await establish({ era, seq: seq - 1 })).toMatchObject({ era, seq });
      expect(await establish()).toMatchObject({ era, seq, changes: [["t:a", seq]] });
    });

    it("the store method establish() gives a new era to an invalidation log that lacks a number that the isolate has seen", async () => {
      const { establish, inside, purge } = setup();
      const { era } = await establish();
      const { seq } = await purge("t:a");
      await inside.setNewest(seq - 1_000);
      const renewed = await establish({ era, seq: seq ?? 0 });
      expect(renewed.era).not.toBe(era);
      expect(renewed.seq).toBeGreaterThan(seq);
      // Other isolates get the new era and do not renew it again.
      expect(await establish({ era, seq: seq ?? 0 })).toMatchObject({
        era: renewed.era,
        seq: renewed.seq,
      });
    });

    it("the store method establish() keeps the era of the invalidation log if the isolate knows only numbers of another era", async () => {
      const { establish } = setup();
      const { era, seq } = await establish();
      expect(await establish({ era: "another", seq: TOP - 1 })).toMatchObject({ era, seq });
    });
  });

  describe("trimming the log", () => {
    it("trimming does not create a missing invalidation log", async () => {
      const { trim, sync } = setup();
      expect(await trim(0)).toBe(0);
      expect(await sync()).toMatchObject({ era: undefined });
    });

    it("trimming removes old invalidations from the invalidation log and raises the floor to the newest of them", async () => {
      const { purge, trim, numbers, sync } = setup();
      const a = await purge("t:a");
      expect(await trim(60_000)).toBe(0);
      expect(await numbers("t:a")).toEqual([a.seq]);

      expect(await trim(0)).toBe(a.seq);
      expect(await numbers("t:a")).toEqual([0]);
      expect(await sync(a.seq)).toMatchObject({
        era: a.era,
        seq: a.seq,
        floor: a.seq,
        changes: [],
      });
    });

    it("trimming keeps invalidations in the invalidation log that are younger than the given age", async () => {
      const { purge, trim, numbers, inside } = setup();
      const a = await purge("t:a");
      await trim(60_000);
      const b = await purge("t:b");
      // The first mark was made ten minutes ago.
      await inside.setMark(a.seq, Date.now() - 600_000);
      expect(await trim(300_000)).toBe(a.seq);
      expect(await numbers("t:a", "t:b")).toEqual([0, b.seq]);
    });

    it("trimming never lowers the floor of the invalidation log and removes every log key", async () => {
      const { purge, trim, inside } = setup();
      await purge("t:a");
      const first = await trim(0);
      expect(await trim(60_000)).toBe(first);
      expect(await trim(0)).toBe(first);
      const { seq } = await purge("t:b");
      expect(await trim(0)).toBe(seq);
      expect(await inside.logKeys()).toBe(0);
    });

    it("trimming removes the oldest log keys if the invalidation log has more than the maximum, and raises the floor to the newest of them", async () => {
      const { purge, trim, numbers, sync } = setup();
      const a = await purge("t:a");
      const b = await purge("t:b");
      const c = await purge("t:c", "~t:c");
      expect(await trim(60_000, 4)).toBe(0);
      expect(await trim(60_000, 3)).toBe(a.seq);
      expect(await numbers("t:a", "t:b", "t:c")).toEqual([0, b.seq, c.seq]);
      expect(await sync(c.seq)).toMatchObject({ era: c.era, seq: c.seq, floor: a.seq });
      // Log keys of one invalidation have the same number, so they are removed together.
      expect(await trim(60_000, 1)).toBe(c.seq);
      expect(await numbers("t:b", "t:c", "~t:c")).toEqual([0, 0, 0]);
      expect(await sync(c.seq)).toMatchObject({ era: c.era, seq: c.seq, floor: c.seq });
    });

    it("an invalidation returns the floor as the previous number if the previous numbers of its log keys have been trimmed", async () => {
      const { purge, trim } = setup();
      await purge("t:a");
      const { seq } = await purge("t:b");
      expect(await trim(60_000, 0)).toBe(seq);
      expect((await purge("t:a")).previous).toBe(seq);
    });

    it("a repeated invalidation of the same log key is one log key of the maximum, so trimming removes nothing", async () => {
      const { purge, trim, numbers } = setup();
      const first = await purge("t:first");
      for (let i = 0; i < 20; i++) await purge("t:often");
      expect(await trim(60_000, 2)).toBe(0);
      expect(await numbers("t:first")).toEqual([first.seq]);
    });

    it("an entry with ten tags stays valid until the invalidation log has had the maximum of other log keys since its load, and then it is below the floor", async () => {
      const { purge, trim, verify, inside, establish } = setup();
      const { era = "", seq: asOf = 0 } = await establish();
      const tags = Array.from({ length: 10 }, (_, at) => `own-${at}`);
      const entry = entryOf({
        era,
        asOf,
        invalidationKeys: invalidationKeysOf("product:1", ...tags),
      });
      const verdict = async () => {
        const numbers = await verify([...entry.invalidationKeys]);
        return verdictByNumbers(entry, numbers, numbers.log);
      };
      const foreign = (from: number, to: number): LogKey[] =>
        Array.from({ length: to - from }, (_, at): LogKey => `t:foreign-${from + at}`);
      for (let from = 0; from < 1_000; from += 100) {
        await purge(...foreign(from, from + 100));
        await trim(60_000, 1_000);
        expect(await verdict()).toBe("valid");
      }
      expect(await inside.logKeys()).toBe(1_000);
      await purge(...foreign(1_000, 1_001));
      await trim(60_000, 1_000);
      expect(await verdict()).toBe("floor");
    });

    it("trimming by the maximum of log keys also removes the marks of the numbers that are too old by time", async () => {
      const { purge, trim, inside } = setup();
      for (let i = 0; i < 5; i++) {
        const { seq } = await purge(`t:${i}`);
        await trim(60_000, 1);
        await inside.setMark(seq, Date.now() - 600_000 + i);
      }
      await purge("t:last");
      await trim(60_000, 1);
      // The newest mark that is too old, and the mark of the newest number.
      expect(await inside.marks()).toBe(2);
    });

    it("after three trimmings of the invalidation log, the store has one pair of a time and a number for the next trimming, not three", async () => {
      const { purge, trim, inside } = setup();
      for (const tag of ["a", "b", "c"] as const) {
        await purge(`t:${tag}`);
        await trim(0);
      }
      expect(await inside.marks()).toBe(1);
    });

    it("a read of an entry also returns the floor of the invalidation log if an invalidation of the entry has been trimmed", async () => {
      const { purge, trim, store, ctx } = setup();
      const { era, seq } = await purge("t:a");
      const storedAt = Date.now();
      const entry = entryOf({
        storedAt,
        asOf: seq - 1,
        era,
        invalidationKeys: invalidationKeysOf("product:1", "a"),
      });
      valueOf(await store.write([entry], ctx));
      await trim(0);
      const { found, log } = valueOf(await store.read(["product:1"], 0, ctx));
      // The number of t:a is gone; the floor shows that there may have been one.
      expect(found[0]?.hard).toBe(0);
      expect(log.floor).toBe(seq);
    });
  });
}
