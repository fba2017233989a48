import { generateText, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { describe, expect, it } from "vitest";
import type { StrataEnv } from "../../src/index.ts";
import type { Context } from "hono";
import { createTestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";

type Model = ConstructorParameters<typeof MockLanguageModelV3>[0];
type Stream = Awaited<ReturnType<MockLanguageModelV3["doStream"]>>["stream"];
type StreamPart = Stream extends ReadableStream<infer P> ? P : never;

const USAGE = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};
const STOP = { unified: "stop", raw: "stop" } as const;

const PARTS: readonly StreamPart[] = [
  { type: "stream-start", warnings: [] },
  { type: "response-metadata", id: "r", timestamp: new Date(1_000), modelId: "mock" },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Grüße, " },
  { type: "text-delta", id: "1", delta: "Ada" },
  { type: "text-end", id: "1" },
  { type: "finish", finishReason: STOP, usage: USAGE },
];

function streamed(parts: readonly StreamPart[]) {
  return async () => ({
    stream: simulateReadableStream({
      chunks: [...parts],
      initialDelayInMs: null,
      chunkDelayInMs: null,
    }),
  });
}

/** An application whose routes ask a model of the AI SDK through the cache. */
function setup(model: Model) {
  const mock = new MockLanguageModelV3(model);
  const { get } = createTestApp(uniqueNamespace(), (app, layer) => {
    const wrapped = (c: Context<StrataEnv>) =>
      wrapLanguageModel({
        model: mock,
        middleware: layer.modelCache(c, {
          scope: "session",
          owner: c.req.query("user"),
          group: "test",
          promptVersion: "1",
        }),
      });
    const promptOf = (c: Context) => c.req.query("prompt") ?? "Hello";
    app.get("/text", async (c) => {
      const { text, usage } = await generateText({
        model: wrapped(c),
        prompt: promptOf(c),
        maxRetries: 0,
      });
      return c.json({ text, output: usage.outputTokens });
    });
    app.get("/stream", (c) => {
      const { textStream } = streamText({
        model: wrapped(c),
        prompt: promptOf(c),
        maxRetries: 0,
        onError: () => undefined,
      });
      return new Response(textStream.pipeThrough(new TextEncoderStream()));
    });
  });
  return { mock, get };
}

describe("the middleware for the AI SDK", () => {
  it("the second equal prompt to generateText gets the first answer without a call of the model, and another user or prompt makes a call", async () => {
    const { mock, get } = setup({
      doGenerate: {
        content: [{ type: "text", text: "Hello, Ada" }],
        finishReason: STOP,
        usage: USAGE,
        warnings: [],
      },
    });
    const first = await get("/text?user=a");
    expect(JSON.parse(first.body)).toEqual({ text: "Hello, Ada", output: 2 });
    expect((await get("/text?user=a")).body).toBe(first.body);
    expect(mock.doGenerateCalls).toHaveLength(1);
    await get("/text?user=b");
    await get("/text?user=a&prompt=Bye");
    expect(mock.doGenerateCalls).toHaveLength(3);
  });

  it("streamText gives the text of the first answer again without a call of the model", async () => {
    const { mock, get } = setup({ doStream: streamed(PARTS) });
    for (let count = 0; count < 3; count++) expect((await get("/stream")).body).toBe("Grüße, Ada");
    expect(mock.doStreamCalls).toHaveLength(1);
  });

  it.each([
    ["without the part finish", PARTS.slice(0, -1)],
    ["with the part error", [...PARTS.slice(0, 4), { type: "error", error: new Error("x") }]],
    [
      "with the reason length",
      [
        ...PARTS.slice(0, -1),
        { type: "finish", finishReason: { unified: "length", raw: "length" }, usage: USAGE },
      ],
    ],
  ] as readonly (readonly [string, readonly StreamPart[]])[])(
    "a stream %s is not stored, so the next equal prompt makes a call of the model",
    async (_, parts) => {
      const { mock, get } = setup({ doStream: streamed(parts) });
      for (let count = 0; count < 2; count++) await get("/stream").catch(() => undefined);
      expect(mock.doStreamCalls).toHaveLength(2);
    },
  );

  it("an error of the model reaches the caller of generateText as the model threw it", async () => {
    const { get } = setup({
      doGenerate: async () => {
        throw new TypeError("the model's own error");
      },
    });
    expect((await get("/text")).body).toContain("the model's own error");
  });
});
