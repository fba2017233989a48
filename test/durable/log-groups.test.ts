import { describe, expect, it } from "vitest";
import {
  bytesOf,
  MAX_GROUP_KEYS,
  MAX_HELD_BYTES,
  type GroupAnswer,
  type GroupNumber,
} from "../../src/core/log-groups.ts";
import type { LogKey } from "../../src/core/invalidation-key.ts";
import { createGroupCommit } from "../../src/durable/log-groups.ts";

interface Script {
  readonly logKeys: readonly LogKey[];
  readonly end: (answer: GroupNumber | undefined | Error) => Promise<void>;
}

/** A log object whose clock, timer and Redis are moved by the test. */
function createHarness() {
  let now = 10_000;
  let timers: { readonly at: number; readonly wake: () => void }[] = [];
  const scripts: Script[] = [];

  const runCallbacks = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  const commit = createGroupCommit({
    now: () => now,
    sleep: (ms) => new Promise((wake) => timers.push({ at: now + ms, wake })),
    invalidate: (logKeys) =>
      new Promise((resolve, reject) => {
        scripts.push({
          logKeys,
          async end(answer) {
            if (answer instanceof Error) reject(answer);
            else resolve(answer);
            await runCallbacks();
          },
        });
      }),
  });

  return {
    /** The scripts that were sent to Redis, in order. */
    scripts,
    setClock: (ms: number) => void (now = ms),
    async add(...logKeys: LogKey[]) {
      const writer: { answer: GroupAnswer | undefined } = { answer: undefined };
      void commit.invalidate(logKeys).then((answer) => {
        writer.answer = answer;
      });
      await runCallbacks();
      return writer;
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

const number = (seq: number): GroupNumber => ({ seq, era: "e" });
const keysOf = ({ scripts }: { readonly scripts: readonly Script[] }) =>
  scripts.map(({ logKeys }) => logKeys);

describe("group commit in a log object", () => {
  it("an invalidation that comes when no group began in the last 50 ms is sent at once and alone", async () => {
    const object = createHarness();
    await object.add("t:a");
    expect(keysOf(object)).toEqual([["t:a"]]);
    await object.scripts[0]?.end(number(1));
    await object.advance(50);
    await object.add("t:b");
    expect(keysOf(object)).toEqual([["t:a"], ["t:b"]]);
  });

  it("invalidations that come within 50 ms of the start of a group wait for the end of that time, and one script numbers them", async () => {
    const object = createHarness();
    await object.add("t:a");
    // The script of the first has ended already, as near Redis.
    await object.scripts[0]?.end(number(1));
    const waiting = [await object.add("t:b"), await object.add("t:c", "t:d")];
    await object.advance(49);
    waiting.push(await object.add("t:b"));
    expect(object.scripts).toHaveLength(1);
    await object.advance(1);
    expect(keysOf(object)).toEqual([["t:a"], ["t:b", "t:c", "t:d"]]);
    await object.scripts[1]?.end(number(2));
    expect(waiting.map(({ answer }) => answer)).toEqual([number(2), number(2), number(2)]);
  });

  it("invalidations that come in one turn of the event loop are all sent: the first alone, and the others with the next group", async () => {
    const object = createHarness();
    const adding = [object.add("t:a"), object.add("t:b"), object.add("t:c")];
    await Promise.all(adding);
    await object.advance(50);
    expect(keysOf(object)).toEqual([["t:a"], ["t:b", "t:c"]]);
  });

  it("an invalidation is confirmed when the script of its own group has answered, and not before", async () => {
    const object = createHarness();
    const first = await object.add("t:a");
    const second = await object.add("t:b");
    await object.advance(50);
    expect(object.scripts).toHaveLength(2);
    expect([first.answer, second.answer]).toEqual([undefined, undefined]);
    await object.scripts[0]?.end(number(1));
    expect([first.answer, second.answer]).toEqual([number(1), undefined]);
    await object.scripts[1]?.end(number(2));
    expect(second.answer).toEqual(number(2));
  });

  it.each<[string, undefined | Error]>([
    ["Redis does not confirm the script", undefined],
    ["the script throws", new Error("gone")],
  ])(
    "every invalidation of a group fails if %s, and the next group is not affected",
    async (_, end) => {
      const object = createHarness();
      await object.add("t:a");
      const lost = [await object.add("t:b"), await object.add("t:c")];
      await object.advance(50);
      await object.scripts[1]?.end(end);
      expect(lost.map(({ answer }) => answer)).toEqual(["failed", "failed"]);
      const next = await object.add("t:d");
      await object.advance(50);
      await object.scripts[2]?.end(number(3));
      expect(next.answer).toEqual(number(3));
    },
  );

  it("at most four scripts run at a time, and further invalidations wait together for one of them to end", async () => {
    const object = createHarness();
    for (let i = 0; i < 10; i++) {
      await object.add(`t:${i}`);
      await object.advance(50);
    }
    expect(object.scripts).toHaveLength(4);
    await object.scripts[2]?.end(number(1));
    expect(keysOf(object).slice(4)).toEqual([["t:4", "t:5", "t:6", "t:7", "t:8", "t:9"]]);
  });

  it("invalidations with more log keys than one group may have are divided among scripts that are sent together", async () => {
    const object = createHarness();
    await object.add("t:a");
    const many = Array.from({ length: MAX_GROUP_KEYS }, (_, at) => `t:${at}` as const);
    const writers = [await object.add(...many), await object.add("t:b")];
    await object.advance(50);
    expect(keysOf(object).map((logKeys) => logKeys.length)).toEqual([1, MAX_GROUP_KEYS, 1]);
    await object.scripts[2]?.end(number(3));
    expect(writers.map(({ answer }) => answer)).toEqual([undefined, number(3)]);
  });

  it("a log object that holds 8 MiB of invalidations takes no further one until a script has ended", async () => {
    const object = createHarness();
    const large = Array.from(
      { length: MAX_GROUP_KEYS },
      (_, at) => `t:${String(at).padStart(256, "x")}` as const,
    );
    const fit = Math.floor(MAX_HELD_BYTES / bytesOf(large));
    for (let i = 0; i < fit; i++) expect((await object.add(...large)).answer).toBeUndefined();
    expect((await object.add(...large)).answer).toBe("full");
    await object.scripts[0]?.end(number(1));
    expect((await object.add(...large)).answer).toBeUndefined();
  });

  it("an invalidation does not wait for a group that began in the future of a clock that was set back", async () => {
    const object = createHarness();
    await object.add("t:a");
    object.setClock(1_000);
    await object.add("t:b");
    expect(keysOf(object)).toEqual([["t:a"], ["t:b"]]);
  });

  it("a log object refuses log keys that no isolate may invalidate, and sends no script for them", async () => {
    const object = createHarness();
    expect((await object.add("!seq" as LogKey)).answer).toBe("refused");
    expect((await object.add()).answer).toBe("refused");
    expect(object.scripts).toEqual([]);
  });
});
