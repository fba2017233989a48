import { generateText, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { modelCache, type ModelCacheOptions } from "../../src/entries/ai.ts";
import { createGate } from "../support/gate.ts";
import { restoreNetwork } from "../support/network.ts";
import { createIsolates, WINDOW_MS, type StrataIsolates } from "./isolates.ts";

afterEach(restoreNetwork);

type Model = ConstructorParameters<typeof MockLanguageModelV3>[0];
type Part =
  Awaited<ReturnType<MockLanguageModelV3["doStream"]>>["stream"] extends ReadableStream<infer P>
    ? P
    : never;

const USAGE = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};
const STOP = { unified: "stop", raw: "stop" } as const;
const PARTS: Part[] = [
  { type: "stream-start", warnings: [] },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Grüße, " },
  { type: "text-delta", id: "1", delta: "Ada" },
  { type: "text-end", id: "1" },
  { type: "finish", finishReason: STOP, usage: USAGE },
];
const ANSWERS: Model = {
  doGenerate: async () => ({
    content: [{ type: "text", text: "Hello, Ada" }],
    finishReason: STOP,
    usage: USAGE,
    warnings: [],
  }),
  doStream: async () => ({
    stream: simulateReadableStream({
      chunks: PARTS,
      initialDelayInMs: null,
      chunkDelayInMs: null,
    }),
  }),
};

function openAssistant(isolates: StrataIsolates, model = new MockLanguageModelV3(ANSWERS)) {
  const { strata } = isolates.start();
  const open = modelCache(strata);
  const statuses: string[] = [];
  const wrapped = (options: Partial<ModelCacheOptions> = {}) =>
    wrapLanguageModel({
      model,
      middleware: open(
        { scope: "message", group: "test", promptVersion: "1", ...options },
        { onLookup: ({ status }) => statuses.push(status) },
      ),
    });
  return {
    strata,
    model,
    statuses,
    async generate(prompt = "Hello", options: Partial<ModelCacheOptions> = {}) {
      const model = wrapped(options);
      return (await generateText({ model, prompt, maxRetries: 0 })).text;
    },
    stream: async (prompt = "Hello") => {
      const { textStream } = streamText({ model: wrapped(), prompt, maxRetries: 0 });
      return await new Response(textStream.pipeThrough(new TextEncoderStream())).text();
    },
  };
}

describe("modelCache over a data cache", () => {
  it("the second equal prompt gets the first answer without a call of the model, and another prompt or owner makes a call", async () => {
    const { model, generate, statuses } = openAssistant(createIsolates());
    expect([await generate(), await generate()]).toEqual(["Hello, Ada", "Hello, Ada"]);
    expect(model.doGenerateCalls).toHaveLength(1);
    expect(statuses).toEqual(["miss", "hit-memory"]);
    await generate("Bye");
    await generate("Hello", { scope: "session", owner: "a" });
    await generate("Hello", { scope: "session", owner: "b" });
    expect(model.doGenerateCalls).toHaveLength(4);
  });

  it("a streamed answer is streamed again without a call of the model, in another isolate too", async () => {
    const isolates = createIsolates();
    const { model, stream } = openAssistant(isolates);
    expect([await stream(), await stream()]).toEqual(["Grüße, Ada", "Grüße, Ada"]);
    expect(model.doStreamCalls).toHaveLength(1);
    await vi.waitFor(async () => {
      const other = openAssistant(isolates);
      expect(await other.stream()).toBe("Grüße, Ada");
      expect(other.model.doStreamCalls).toHaveLength(0);
    });
  });

  it("equal prompts while a call of the model runs share the call", async () => {
    const gate = createGate();
    const running = new ReadableStream<Part>({
      async start(controller) {
        for (const part of PARTS.slice(0, -1)) controller.enqueue(part);
        await gate.pass();
        for (const part of PARTS.slice(-1)) controller.enqueue(part);
        controller.close();
      },
    });
    const model = new MockLanguageModelV3({ doStream: async () => ({ stream: running }) });
    const { stream, statuses } = openAssistant(createIsolates(), model);
    const answers = Promise.all([stream(), stream(), stream()]);
    await vi.waitFor(() => expect(statuses.toSorted()).toEqual(["joined", "joined", "miss"]));
    gate.open();
    expect(new Set(await answers)).toEqual(new Set(["Grüße, Ada"]));
    expect(model.doStreamCalls).toHaveLength(1);
  });

  it("an answer with a tag is asked for again after a purge of the tag by another isolate", async () => {
    const isolates = createIsolates();
    const { model, generate } = openAssistant(isolates);
    await generate("Hello", { tags: ["catalogue"] });
    await isolates.start().strata.open().invalidateTags("catalogue");
    isolates.clock.advance(WINDOW_MS);
    await generate("Hello", { tags: ["catalogue"] });
    expect(model.doGenerateCalls).toHaveLength(2);
  });

  it("a wrong limit is refused by name", () => {
    const { strata } = createIsolates().start();
    expect(() => modelCache(strata, { maxCalls: 0 })).toThrow("maxCalls");
  });
});
