import { describe, expect, it } from "vitest";
import { createBatchDecoder, encodeBatch } from "../../src/answers/frame-lines.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import { eventsOf } from "../../src/answers/read-answer.ts";
import type { Recording } from "../../src/answers/recording.ts";
import { createRecordings, type JoinRecording } from "../../src/answers/recordings.ts";
import { normalizeOptions } from "../../src/config/read-settings.ts";
import { fault } from "../../src/core/faults.ts";
import { noTimer, randomFrom, readAll } from "./support.ts";

const WHOLE = { kind: "whole", storable: true, info: { finishReason: "stop" } } as const;
const EVENTS = { id: "answer-1", model: "m", cutOff: {}, after: noTimer };

function setup() {
  let ids = 0;
  const clock = { now: 0 };
  const timers: (() => void)[] = [];
  const recordings = createRecordings({
    now: () => clock.now,
    newId: () => `r${++ids}`,
    after(_ms, call) {
      timers.push(call);
      return () => undefined;
    },
    lingerMs: 10,
    // A timer of the reader's own request ends each wait.
    waitFor: (change) => Promise.race([change, new Promise((end) => setTimeout(end, 5))]),
  });
  const begun: { recording: Recording<string, ChatInfo>; over: () => void }[] = [];
  const join = (more: Partial<JoinRecording<string, ChatInfo>> = {}) =>
    recordings.join<string, ChatInfo>({
      key: "answer:x",
      position: { asOf: 1, era: "e" },
      maxChars: 1_000,
      maxMs: 60_000,
      mayStart: true,
      begin(recording) {
        const { promise, resolve } = Promise.withResolvers<void>();
        begun.push({ recording, over: resolve });
        return promise;
      },
      ...more,
    });
  return { recordings, join, begun, timers, clock };
}

describe("recordings of running answers", () => {
  it("a recording whose call the platform has ended is cut off for its readers when the time limit of the call is over, and the next reader begins a call", async () => {
    const { join, begun, clock } = setup();
    const first = join();
    const reading = first?.feed.next();
    clock.now = 61_001;
    expect(await reading).toMatchObject({
      end: { kind: "failed", fault: { code: "origin.timeout" } },
    });
    expect(join()?.head.started).toBe(true);
    expect(begun).toHaveLength(2);
  });

  it("recordings together keep bounded characters, and those of a call that the platform has ended are free again for the next calls", () => {
    const { join, begun, clock } = setup();
    const maxChars = 2 ** 20;
    const fill = (key: string): number => {
      join({ key, maxChars });
      const { recording } = begun.at(-1)!;
      let pieces = 0;
      while (recording.add("x", 100_000)) pieces++;
      return pieces;
    };
    const filled = ["a", "b", "c", "d"].map((key) => fill(`answer:${key}`));
    expect(filled).toEqual([10, 10, 0, 0]);
    // The platform has ended the calls, so that none of their promises settles.
    clock.now = 61_021;
    expect(fill("answer:g")).toBe(10);
  });

  it("four answers with the highest limit of `answers.maxChars` run at a time, and each arrives as a whole", () => {
    const { join, begun } = setup();
    const { settings, problems } = normalizeOptions({ answers: { maxChars: 524_288 } });
    expect(problems).toEqual([]);
    const { maxChars } = settings.answers;
    const recordings = ["a", "b", "c", "d"].map((key) => {
      join({ key: `answer:${key}`, maxChars });
      return begun.at(-1)!.recording;
    });
    for (let chars = 0; chars < maxChars; chars += 2 ** 16)
      for (const recording of recordings)
        expect(recording.add("x", 2 ** 16 - 16), `after ${chars} characters`).toBe(true);
  });

  it("in 200 random orders of pieces, joins and reads, each reader gets exactly the bytes of the whole answer, through the lines of the Durable Object too", async () => {
    const random = randomFrom(4);
    for (let run = 0; run < 200; run++) {
      const { join, begun } = setup();
      const pieces = Array.from({ length: Math.floor(random() * 12) }, (_, at) => `p${at}👋\n`);
      const texts: Promise<string>[] = [];
      const reader = (): void => {
        const joined = join();
        if (joined === undefined) throw new Error("no recording");
        const { feed } = joined;
        const decoder = createBatchDecoder<string, ChatInfo>();
        const sent =
          random() < 0.5
            ? feed
            : {
                cancel: () => undefined,
                next: async () => decoder.feed(encodeBatch(await feed.next())),
              };
        texts.push(new Response(eventsOf(sent, EVENTS)).text());
      };
      reader();
      const [{ recording, over }] = begun as [(typeof begun)[number]];
      const steps = [...pieces.map((piece) => () => recording.add(piece, piece.length)), reader];
      for (let more = 0; more < 4; more++)
        steps.splice(Math.floor(random() * steps.length), 0, reader);
      for (const step of steps) {
        step();
        if (random() < 0.5) await Promise.resolve();
      }
      recording.end(WHOLE);
      over();
      reader();
      const [first, ...others] = await Promise.all(texts);
      expect(begun).toHaveLength(1);
      for (const text of others) expect(text).toBe(first);
      const contents = [...(first ?? "").matchAll(/"content":("(?:[^"\\]|\\.)*")/g)];
      expect(contents.map(([, json = ""]) => JSON.parse(json) as string)).toEqual(pieces);
      expect(first).toMatch(/data: \[DONE\]\n\n$/);
    }
  }, 60_000);

  it("a reader that cannot use the running recording begins the next one, and later readers join that one", async () => {
    const { join, begun } = setup();
    const old = join();
    const next = join({ after: old?.head.id });
    expect([next?.head.started, next?.head.id]).toEqual([true, "r2"]);
    expect(join({ after: old?.head.id })?.head).toMatchObject({ id: "r2", started: false });
    begun[0]?.recording.add("old", 3);
    begun[0]?.recording.end(WHOLE);
    expect((await readAll(old!.feed)).pieces).toEqual(["old"]);
  });

  it("a reader that may not begin a call gets nothing if no recording runs", () => {
    const { join, recordings } = setup();
    expect(join({ mayStart: false })).toBeUndefined();
    const running = join();
    expect(join({ mayStart: false })?.head.id).toBe(running?.head.id);
    expect(join({ mayStart: false, after: running?.head.id })).toBeUndefined();
    expect(recordings.size).toBe(1);
  });

  it("a whole answer takes readers until its time is over, and a cut or unstorable one takes none", async () => {
    for (const [end, isKept] of [
      [WHOLE, true],
      [{ ...WHOLE, storable: false }, false],
      [{ kind: "failed", fault: fault("origin.timeout", "late") }, false],
    ] as const) {
      const { join, begun, timers, recordings } = setup();
      join();
      const [{ recording, over }] = begun as [(typeof begun)[number]];
      recording.end(end);
      over();
      await Promise.resolve();
      await Promise.resolve();
      expect(join({ mayStart: false }) !== undefined).toBe(isKept);
      for (const call of timers) call();
      expect(recordings.size).toBe(0);
    }
  });

  it("a recording holds at most its number of characters, and empty pieces count too", () => {
    const { join, begun } = setup();
    join({ maxChars: 100 });
    const [{ recording }] = begun as [(typeof begun)[number]];
    let held = 0;
    while (recording.add("", 0)) held += 1;
    expect(held).toBe(6);
    expect(recording.since(0).frames).toHaveLength(6);
  });
});
