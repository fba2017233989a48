import { describe, expect, it, vi } from "vitest";
import { createEventStream } from "../../../src/http/live/event-stream.ts";
import { createQueueBudget, type QueueBudget } from "../../../src/live/queue-budget.ts";

const MAX_QUEUED_BYTES = 1_000;

function open({
  heartbeatMs = 60_000,
  signal = new AbortController().signal,
  budget = createQueueBudget(Infinity),
} = {}) {
  const { 0: near, 1: far } = new WebSocketPair();
  far.accept();
  const closed = new Promise<number>((resolve) =>
    far.addEventListener("close", ({ code }) => resolve(code)),
  );
  const stream = createEventStream(near, {
    signal,
    retryMs: 1_234,
    heartbeatMs,
    maxQueuedBytes: MAX_QUEUED_BYTES,
    budget,
  });
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  async function readUntil(end: string): Promise<string> {
    let text = "";
    while (!text.includes(end)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the stream ended after ${text}`);
      text += value;
    }
    return text;
  }
  return { far, closed, stream, reader, readUntil };
}

/** Opens a stream whose client has not read yet. */
function openUnread(budget: QueueBudget) {
  const { 0: near, 1: far } = new WebSocketPair();
  far.accept();
  const closed = new Promise<number>((resolve) =>
    far.addEventListener("close", ({ code }) => resolve(code)),
  );
  const reader = createEventStream(near, {
    signal: new AbortController().signal,
    retryMs: 1,
    heartbeatMs: 60_000,
    maxQueuedBytes: MAX_QUEUED_BYTES,
    budget,
  }).getReader();
  return { far, closed, reader };
}

describe("a stream of server-sent events", () => {
  it("the stream begins with the time after which the client comes back, and passes the texts of the socket on", async () => {
    const { far, readUntil } = open();
    far.send("data: one\n\n");
    far.send("data: two\n\n");
    expect(await readUntil("two\n\n")).toBe("retry: 1234\n\ndata: one\n\ndata: two\n\n");
  });

  it("a comment keeps an idle stream open", async () => {
    const { readUntil } = open({ heartbeatMs: 1 });
    expect(await readUntil(":\n\n:\n\n")).toMatch(/^retry: 1234\n\n(?::\n\n)+$/);
  });

  it("the stream ends when the socket closes, so that the client comes back", async () => {
    const { far, reader, readUntil } = open();
    await readUntil("\n\n");
    far.close(1001, "the object ends");
    expect(await reader.read()).toMatchObject({ done: true });
  });

  it("the socket closes when the request is aborted, because the client has gone", async () => {
    const leaving = new AbortController();
    const { closed } = open({ signal: leaving.signal });
    leaving.abort();
    expect(await closed).toBe(1001);
  });

  it("the socket closes when the client had gone before the stream began", async () => {
    const { closed } = open({ signal: AbortSignal.abort() });
    expect(await closed).toBe(1001);
  });

  it("the socket closes when the reader cancels the stream", async () => {
    const { closed, reader } = open();
    await reader.cancel();
    expect(await closed).toBe(1001);
  });

  it("a stream whose reader is so slow that more bytes wait than the limit breaks off and closes its socket", async () => {
    const { 0: near, 1: far } = new WebSocketPair();
    far.accept();
    const closed = new Promise<number>((resolve) =>
      far.addEventListener("close", ({ code }) => resolve(code)),
    );
    const stream = createEventStream(near, {
      signal: new AbortController().signal,
      retryMs: 1,
      heartbeatMs: 60_000,
      maxQueuedBytes: MAX_QUEUED_BYTES,
      budget: createQueueBudget(Infinity),
    });
    for (let sent = 0; sent <= MAX_QUEUED_BYTES; sent += 100)
      far.send(`data: ${"x".repeat(92)}\n\n`);
    expect(await closed).toBe(1008);
    await expect(stream.getReader().read()).rejects.toThrow("too slowly");
  });

  it("if more bytes wait for all clients of an isolate than its limit, the stream with the most breaks off with the code 1008, and the others go on", async () => {
    const budget = createQueueBudget(600);
    const [slow, slower, quick] = [1, 2, 3].map(() => openUnread(budget));
    slow!.far.send("x".repeat(100));
    slower!.far.send("y".repeat(350));
    await vi.waitUntil(() => budget.bytes > 450);
    quick!.far.send("z".repeat(200));
    expect(await slower!.closed).toBe(1008);
    await expect(slower!.reader.read()).rejects.toThrow("too slowly");
    for (const { reader, far } of [slow!, quick!]) {
      expect((await reader.read()).done).toBe(false);
      expect(far.readyState).toBe(WebSocket.READY_STATE_OPEN);
    }
  });

  it("bytes that a client has read, and those of a client that has left, wait no longer", async () => {
    const budget = createQueueBudget(600);
    const [first, second] = [openUnread(budget), openUnread(budget)];
    const empty = budget.bytes;
    first.far.send("x".repeat(100));
    second.far.send("x".repeat(100));
    await vi.waitUntil(() => budget.bytes === empty + 200);
    // The line with the time of the retry, and the text.
    for (let reads = 0; reads < 2; reads++) await first.reader.read();
    await vi.waitUntil(() => budget.bytes === empty / 2 + 100);
    await second.reader.cancel();
    expect(budget.bytes).toBe(0);
  });
});
