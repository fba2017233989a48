import { describe, expect, it } from "vitest";
import { createEventStream } from "../../../src/http/live/event-stream.ts";

const MAX_QUEUED_BYTES = 1_000;

function open({ heartbeatMs = 60_000, signal = new AbortController().signal } = {}) {
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
    });
    for (let sent = 0; sent <= MAX_QUEUED_BYTES; sent += 100)
      far.send(`data: ${"x".repeat(92)}\n\n`);
    expect(await closed).toBe(1008);
    await expect(stream.getReader().read()).rejects.toThrow("too slowly");
  });
});
