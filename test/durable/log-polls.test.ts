import { describe, expect, it } from "vitest";
import type { SharedLog } from "../../src/core/log-share.ts";
import { MAX_CHANGES, type LogAnswer } from "../../src/core/log.ts";
import { MAX_NUMBERS } from "../../src/core/log-view.ts";
import { createLogPolls } from "../../src/durable/log-polls.ts";

const BASE = 1_000_000_000_000;

/** A log of one region whose clock, timer and Redis are moved by the test. */
function createHarness() {
  let now = 10_000;
  let seq = BASE;
  let timers: { readonly at: number; readonly wake: () => void }[] = [];
  const asked: { readonly since: number; readonly limit: number; readonly at: number }[] = [];
  const open: ((fields?: Partial<LogAnswer> | "none") => Promise<void>)[] = [];

  const runCallbacks = async (): Promise<void> => {
    for (let i = 0; i < 12; i++) await Promise.resolve();
  };

  const polls = createLogPolls({
    now: () => now,
    sleep: (ms) => new Promise((wake) => timers.push({ at: now + ms, wake })),
    askRedis(since, limit) {
      const sentAt = now;
      asked.push({ since, limit, at: now });
      return new Promise((resolve) => {
        open.push(async (fields = {}) => {
          const answer = { sentAt, era: "era-1", seq, floor: 0, since, truncated: false };
          resolve(fields === "none" ? undefined : { ...answer, changes: [], ...fields });
          await runCallbacks();
        });
      });
    },
  });

  return {
    asked,
    defer: polls.defer,
    deferred: polls.deferred,
    numberNext: (): number => ++seq,
    setClock: (ms: number) => void (now = ms),
    async ask(since = BASE) {
      const answer: { value?: SharedLog | undefined; isThere: boolean } = { isThere: false };
      void polls.ask(since).then((value) => {
        Object.assign(answer, { value, isThere: true });
      });
      await runCallbacks();
      return answer;
    },
    /** Lets Redis answer its oldest open question. */
    async answer(fields?: Partial<LogAnswer> | "none") {
      const next = open.shift();
      if (next === undefined) throw new Error("Redis was not asked");
      await next(fields);
    },
    /** Lets Redis answer its newest open question. */
    async answerLast() {
      const last = open.pop();
      if (last === undefined) throw new Error("Redis was not asked");
      await last();
    },
    async advance(ms: number) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
      await runCallbacks();
    },
  };
}

describe("the log object of a region", () => {
  it("the log object asks Redis once for all questions that come while Redis has not answered", async () => {
    const region = createHarness();
    const answers = [await region.ask(), await region.ask(), await region.ask()];
    await region.answer();
    expect(answers.map(({ value }) => value?.seq)).toEqual([BASE, BASE, BASE]);
    expect(region.asked).toHaveLength(1);
  });

  it("the age of an answer counts from the question to Redis to the arrival of the question at the log object", async () => {
    const region = createHarness();
    const first = await region.ask();
    await region.advance(30);
    const second = await region.ask();
    await region.advance(20);
    await region.answer();
    await region.advance(300);
    const third = await region.ask();
    expect([first, second, third].map(({ value }) => value?.ageMs)).toEqual([0, 30, 350]);
    expect(region.asked).toHaveLength(1);
  });

  it("a question that comes 451 ms after the last question to Redis waits until 550 ms have passed, and its answer has a negative age", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer();
    await region.advance(451);
    const waiting = await region.ask();
    const alsoWaiting = await region.ask();
    expect(region.asked).toHaveLength(1);
    await region.advance(98);
    expect(region.asked).toHaveLength(1);
    await region.advance(1);
    expect(region.asked).toHaveLength(2);
    await region.answer();
    expect(waiting.value?.ageMs).toBe(-99);
    expect(alsoWaiting.value?.ageMs).toBe(-99);
  });

  it("if Redis gives no answer for 110 ms, the log object asks it once more, and the first answer counts for all questions", async () => {
    const region = createHarness();
    const before = await region.ask();
    await region.advance(109);
    expect(region.asked).toHaveLength(1);
    await region.advance(1);
    expect(region.asked).toHaveLength(2);
    const after = await region.ask();
    await region.advance(500);
    expect(region.asked).toHaveLength(2);
    await region.answerLast();
    expect([before.value?.ageMs, after.value?.ageMs]).toEqual([-110, 0]);
    await region.answer();
    expect((await region.ask()).isThere).toBe(false);
    expect(region.asked).toHaveLength(3);
  });

  it("if Redis has no answer to the first of two questions of the log object, the answer to the second counts", async () => {
    const region = createHarness();
    const asked = await region.ask();
    await region.advance(110);
    await region.answer("none");
    expect(asked.isThere).toBe(false);
    await region.answer();
    expect(asked.value?.seq).toBe(BASE);
  });

  it("if Redis answers within 110 ms, the log object asks it once", async () => {
    const region = createHarness();
    await region.ask();
    await region.advance(109);
    await region.answer();
    await region.advance(300);
    expect(region.asked).toHaveLength(1);
  });

  it("the log object does not ask Redis while no question comes", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer();
    for (let i = 0; i < 20; i++) await region.advance(550);
    expect(region.asked).toHaveLength(1);
  });

  it("the first question to Redis asks for at most 1,000 changes, and each further one for all since the last answer", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer();
    region.numberNext();
    await region.advance(600);
    await region.ask();
    await region.answer();
    await region.advance(600);
    await region.ask();
    expect(region.asked.map(({ since, limit }) => [since, limit])).toEqual([
      [0, MAX_CHANGES],
      [BASE, MAX_NUMBERS],
      [BASE + 1, MAX_NUMBERS],
    ]);
  });

  it("a question that reaches further back than the recent changes gets all changes from there on", async () => {
    const region = createHarness();
    await region.ask(BASE - 60_000_000);
    const early: [string, number] = ["t:early", BASE - 50_000_000];
    await region.answer({ changes: [early] });
    const near = await region.ask(BASE);
    const far = await region.ask(BASE - 60_000_000);
    expect(near.value?.changes).toEqual([]);
    expect(far.value).toMatchObject({ since: BASE - 60_000_000, changes: [early] });
  });

  it("a question from before the changes that the log object has gets no answer, so that the isolate asks Redis", async () => {
    const region = createHarness();
    const before = await region.ask(BASE - 10);
    const after = await region.ask(BASE - 5);
    await region.answer({ truncated: true, changes: [["t:a", BASE - 5]] });
    expect(before).toEqual({ isThere: true, value: undefined });
    expect(after.value?.changes).toEqual([["t:a", BASE - 5]]);
  });

  it.each<[string, Partial<LogAnswer> | "none"]>([
    ["gives no answer", "none"],
    ["has no log", { era: undefined, seq: undefined }],
    ["lacks numbers that the log object has", { seq: BASE - 1 }],
  ])(
    "if Redis %s, the questions get no answer, and Redis is asked again only in the next tick",
    async (_, fields) => {
      const region = createHarness();
      await region.ask();
      await region.answer();
      await region.advance(600);
      const refused = await region.ask();
      await region.answer(fields);
      expect(refused).toEqual({ isThere: true, value: undefined });
      const again = await region.ask();
      expect(region.asked).toHaveLength(2);
      await region.advance(550);
      await region.answer();
      expect(again.value?.seq).toBe(BASE);
      expect(region.asked).toHaveLength(3);
    },
  );

  it("after a new era of the log, the log object hands on the new era and no change of the old one", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer({ changes: [["t:old", BASE]] });
    await region.advance(600);
    const renewed = await region.ask(BASE + 100);
    await region.answer({ era: "era-2", seq: BASE + 100, changes: [] });
    expect(renewed.value).toMatchObject({ era: "era-2", changes: [] });
  });

  it("the log object hands a deferred log key on with each answer, until Redis has numbered it", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer();
    region.defer(["t:a"]);
    expect((await region.ask()).value?.deferred).toEqual(["t:a"]);
    await region.advance(600);
    const unnumbered = await region.ask();
    await region.answer();
    expect(unnumbered.value?.deferred).toEqual(["t:a"]);
    await region.advance(600);
    const numbered = await region.ask();
    const number = region.numberNext();
    await region.answer({ seq: number, changes: [["t:a", number]] });
    expect(numbered.value?.deferred).toEqual([]);
  });

  it("a question for deferred invalidations alone asks Redis only if there are some", async () => {
    const region = createHarness();
    expect(await region.deferred()).toEqual({ logKeys: [], seq: undefined });
    expect(region.asked).toHaveLength(0);
    region.defer(["t:a"]);
    const asked = region.deferred();
    await region.answer();
    expect(await asked).toEqual({ logKeys: ["t:a"], seq: BASE });
    expect(region.asked).toHaveLength(1);
  });

  it("the log object asks Redis at once if its clock was set back, and uses no age from before", async () => {
    const region = createHarness();
    await region.ask();
    await region.answer();
    region.setClock(2_000);
    const later = await region.ask();
    expect(region.asked).toHaveLength(2);
    await region.answer();
    expect(later.value?.ageMs).toBe(0);
  });
});
