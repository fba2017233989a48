import { describe, expect, it } from "vitest";
import type { AnswerRequest } from "../../src/answers/open-answer.ts";
import { createAsk } from "../../src/answers/ask.ts";
import type { ChatInfo } from "../../src/answers/chat-stream.ts";
import { answerPolicies } from "../../src/answers/lifetimes.ts";
import { joinLocally } from "../../src/answers/local-join.ts";
import { createPlaces } from "../../src/answers/places.ts";
import { createRecordings } from "../../src/answers/recordings.ts";
import type { CallModel } from "../../src/answers/record-call.ts";
import { CacheUnavailable } from "../../src/index.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createTestLayer } from "../support/layer.ts";
import { after, LIMITS, quietContext, readAll } from "./support.ts";

/** An isolate whose model a test plays. */
function setup({ maxCalls = 10, maxStreams = 30 } = {}) {
  const { engine } = createTestLayer({
    now: () => Date.now(),
    bindings: { STRATA_NAMESPACE: uniqueNamespace() },
  });
  let ids = 0;
  const now = (): number => Date.now();
  const newId = (): string => `id${++ids}`;
  const ask = createAsk({
    engine,
    newId,
    calls: createPlaces(maxCalls, 60_000, now),
    streams: createPlaces(maxStreams, 60_000, now),
    withTimeout,
    peekTimeoutMs: 1_000,
  });
  const recordings = createRecordings({
    now,
    newId,
    after,
    lingerMs: 0,
    waitFor: (change) => change,
  });
  const local = { recordings, engine, after, limits: LIMITS };
  const { ctx, settled } = quietContext();
  let calls = 0;
  const question = (
    key: string,
    model: CallModel<string, ChatInfo>,
  ): AnswerRequest<string, ChatInfo> => {
    const answer = { key, policy: answerPolicies(1_000).message, tags: ["persona:x"] };
    const counted: CallModel<string, ChatInfo> = (add, signal) => {
      calls += 1;
      return model(add, signal);
    };
    return {
      ...answer,
      usageOf: () => undefined,
      join: async (join) => joinLocally(local, answer, counted, join),
    };
  };
  return {
    settled,
    question,
    calls: () => calls,
    ask: (request: AnswerRequest<string, ChatInfo>) => ask(request, ctx, () => undefined),
  };
}

const INFO = { finishReason: "stop" };

/** A model that gives one piece, and the rest when the test says so. */
function heldModel() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const model: CallModel<string, ChatInfo> = async (add) => {
    add("a", 1);
    await promise;
    add("b", 1);
    return { kind: "whole", storable: true, info: INFO };
  };
  return { model, go: resolve };
}

describe("a question to the cache", () => {
  it("an isolate that sends as many answers as it may refuses the next reader, and has room again when a reader leaves", async () => {
    const { ask, question } = setup({ maxStreams: 2 });
    const { model, go } = heldModel();
    const first = await ask(question("answer:a", model));
    await ask(question("answer:a", model));
    await expect(ask(question("answer:b", model))).rejects.toThrow(CacheUnavailable);
    first.feed.cancel();
    const next = await ask(question("answer:a", model));
    go();
    expect((await readAll(next.feed)).pieces).toEqual(["a", "b"]);
  });

  it("an isolate that has begun as many calls as it may refuses another question, and joins a running answer all the same", async () => {
    const { ask, question, calls } = setup({ maxCalls: 1 });
    const { model, go } = heldModel();
    const first = await ask(question("answer:a", model));
    await expect(ask(question("answer:b", model))).rejects.toMatchObject({
      fault: { code: "origin.saturated" },
    });
    const joined = await ask(question("answer:a", model));
    expect([first.lookup.status, joined.lookup.status]).toEqual(["miss", "joined"]);
    go();
    for (const { feed } of [first, joined])
      expect((await readAll(feed)).pieces).toEqual(["a", "b"]);
    expect(calls()).toBe(1);
    await expect(ask(question("answer:b", model))).resolves.toMatchObject({ isReplay: false });
  });

  it("readers who come while the first looks in the tiers wait for it and join its answer", async () => {
    const { ask, question, calls, settled } = setup();
    const { model, go } = heldModel();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(question("answer:a", model))),
    );
    go();
    for (const { feed } of answers) expect((await readAll(feed)).pieces).toEqual(["a", "b"]);
    expect(calls()).toBe(1);
    await settled();
    const hit = await ask(question("answer:a", model));
    expect([hit.lookup.status, hit.isReplay]).toEqual(["hit-memory", true]);
    expect((await readAll(hit.feed)).pieces).toEqual(["a", "b"]);
  });

  it("a reader who begins a call and leaves keeps the place of the call until the call is over, so that asking and leaving begins no more calls than staying", async () => {
    const { ask, question, settled, calls } = setup({ maxCalls: 1 });
    const { model, go } = heldModel();
    const left = await ask(question("answer:a", model));
    left.feed.cancel();
    await expect(ask(question("answer:b", model))).rejects.toThrow(CacheUnavailable);
    go();
    await settled();
    await ask(question("answer:b", model));
    expect(calls()).toBe(2);
  });

  it("a reader of a running answer does not keep the place of the call when the model fails", async () => {
    const { ask, question, calls } = setup({ maxCalls: 1 });
    const failing: CallModel<string, ChatInfo> = async () => {
      throw new Error("away");
    };
    await expect(ask(question("answer:a", failing))).rejects.toThrow(CacheUnavailable);
    await expect(ask(question("answer:b", failing))).rejects.toThrow(CacheUnavailable);
    expect(calls()).toBe(2);
  });
});
