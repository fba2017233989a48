import { generateText, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { describe, expect, it } from "vitest";
import type { StrataEnv, StrataOptions } from "../../src/index.ts";
import type { Context, Hono } from "hono";
import { createTestApp } from "../support/app.ts";
import { createGate } from "../support/gate.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import type { TestLayer } from "../support/layer.ts";

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

/**
 * An application whose routes ask a model of the AI SDK through the cache. The reader that the query names leaves
 * when its controller aborts.
 */
function setup(model: Model, options: StrataOptions = {}, namespace = uniqueNamespace()) {
  const mock = new MockLanguageModelV3(model);
  const readers = new Map<string, AbortController>();
  const routes = (app: Hono<StrataEnv>, layer: TestLayer): void => {
    function signalOf(c: Context): { abortSignal?: AbortSignal } {
      const controller = readers.get(c.req.query("reader") ?? "");
      return controller === undefined ? {} : { abortSignal: controller.signal };
    }
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
        ...signalOf(c),
      });
      return c.json({ text, output: usage.outputTokens });
    });
    app.get("/stream", (c) => {
      const { textStream } = streamText({
        model: wrapped(c),
        prompt: promptOf(c),
        maxRetries: 0,
        onError: () => undefined,
        ...signalOf(c),
      });
      return new Response(textStream.pipeThrough(new TextEncoderStream()));
    });
  };
  const test = createTestApp(namespace, routes, options);
  function reader(name: string): AbortController {
    const controller = new AbortController();
    readers.set(name, controller);
    return controller;
  }
  return { ...test, mock, reader };
}

/** A model whose answer waits at a gate. It keeps the signals of its calls, and obeys them. */
function gatedModel() {
  const gate = createGate();
  const signals: (AbortSignal | undefined)[] = [];
  const model: Model = {
    async doGenerate({ abortSignal }) {
      signals.push(abortSignal);
      await gate.pass();
      abortSignal?.throwIfAborted();
      return {
        content: [{ type: "text", text: "Hello, Ada" }],
        finishReason: STOP,
        usage: USAGE,
        warnings: [],
      };
    },
    async doStream({ abortSignal }) {
      signals.push(abortSignal);
      const parts = [...PARTS];
      const stream: Stream = new ReadableStream<StreamPart>({
        async pull(controller) {
          if (parts.length === 3) await gate.pass();
          abortSignal?.throwIfAborted();
          const part = parts.shift();
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
      });
      return { stream };
    },
  };
  return { model, gate, signals };
}

/** Lets the requests before it join the recording. */
const joined = () => new Promise((resolve) => setTimeout(resolve, 50));

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

  it("two servers of one provider name share an answer, and a server of another provider name gives its own", async () => {
    const namespace = uniqueNamespace();
    const ask = async (provider: string, text: string): Promise<unknown> => {
      const content = [{ type: "text" as const, text }];
      const doGenerate = { content, finishReason: STOP, usage: USAGE, warnings: [] };
      const { get } = setup({ provider, doGenerate }, {}, namespace);
      return (JSON.parse((await get("/text")).body) as { readonly text: string }).text;
    };
    expect(await ask("openai.chat", "from the US")).toBe("from the US");
    expect(await ask("openai.chat", "from the EU")).toBe("from the US");
    expect(await ask("eu.chat", "from the EU")).toBe("from the EU");
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

  it.each(["text", "stream"])(
    "the call of a %s goes on for the reader that is left when the reader that began it aborts",
    async (path) => {
      const { model, gate, signals } = gatedModel();
      const { get, reader } = setup(model);
      const leaving = reader("first");
      const first = get(`/${path}?reader=first`);
      await gate.reached;
      const second = get(`/${path}?reader=second`);
      await joined();
      leaving.abort(new Error("the first reader leaves"));
      await joined();
      gate.open();
      expect((await second).body).toContain("Ada");
      const left = await first.catch((error: Error) => ({ body: error.message }));
      expect(left.body).not.toContain("Ada");
      expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
    },
  );

  it("the call of the model is aborted when all of its readers have aborted, and the next reader makes a call of its own", async () => {
    const { model, gate, signals } = gatedModel();
    const { get, reader } = setup(model);
    const leaving = [reader("first"), reader("second")];
    const first = get("/text?reader=first");
    await gate.reached;
    const second = get("/text?reader=second");
    await joined();
    for (const [at, controller] of leaving.entries()) {
      expect(signals[0]?.aborted).toBe(false);
      controller.abort(new Error(`reader ${at} leaves`));
      await joined();
    }
    expect(signals[0]?.aborted).toBe(true);
    const next = get("/text");
    gate.open();
    expect((await next).body).toContain("Ada");
    expect(signals).toHaveLength(2);
    expect((await first).body).toContain("reader 0 leaves");
    expect((await second).body).toContain("reader 1 leaves");
  });

  it("a client that leaves gives back the place of its answer, also if the model goes on", async () => {
    const { model, gate } = gatedModel();
    const { get, send, url } = setup(model, { answers: { maxStreams: 1 } });
    const leaving = new AbortController();
    const left = send(new Request(url("/stream"), { signal: leaving.signal })).catch(
      () => undefined,
    );
    await gate.reached;
    expect((await get("/text?prompt=Other")).body).toContain("too many answers");
    leaving.abort();
    const other = get("/text?prompt=Other");
    gate.open();
    expect((await other).body).toContain("Ada");
    await left;
  });

  it("an error of the model reaches the caller of generateText as the model threw it", async () => {
    const { get } = setup({
      doGenerate: async () => {
        throw new TypeError("the model's own error");
      },
    });
    expect((await get("/text")).body).toContain("the model's own error");
  });
});
