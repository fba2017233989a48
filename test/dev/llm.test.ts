import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createCounts } from "../../dev/gateway/counts.ts";
import { createFaults } from "../../dev/gateway/faults.ts";
import { createLlmGateway } from "../../dev/gateway/llm.ts";
import { startGatewayServer, type GatewayServer } from "../../dev/gateway/server.ts";

const counts = createCounts();
const faults = createFaults();
let server: GatewayServer;

beforeAll(async () => {
  server = await startGatewayServer({ port: 0, gateways: [createLlmGateway()], counts, faults });
});
afterAll(() => server.close());
afterEach(() => faults.clear());

const QUESTION = { model: "m", messages: [{ role: "user", content: "What is a teapot?" }] };

function ask(more: object = {}): Promise<Response> {
  return fetch(`${server.url}/llm/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...QUESTION, ...more }),
  });
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number };
}

function chunksOf(text: string): Chunk[] {
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => JSON.parse(event.slice("data: ".length)) as Chunk);
}

describe("the local model", () => {
  it("equal messages get equal answers, as a stream and as JSON, and other messages get other answers", async () => {
    const text = await (await ask({ stream: true })).text();
    expect(text).toBe(await (await ask({ stream: true })).text());
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    const streamed = chunksOf(text)
      .map(({ choices }) => choices[0]?.delta.content ?? "")
      .join("");
    const whole = (await (await ask()).json()) as {
      choices: { message: { content: string }; finish_reason: string }[];
    };
    expect(whole.choices[0]).toMatchObject({
      message: { content: streamed },
      finish_reason: "stop",
    });
    const other = await ask({ messages: [{ role: "user", content: "What is a lamp?" }] });
    expect(await other.json()).not.toEqual(whole);
  });

  it("a stream has one chunk for each token, the reason, and the usage if the request asks for it; max_tokens ends it with length", async () => {
    const limits = { stream: true, max_tokens: 4, stream_options: { include_usage: true } };
    const chunks = chunksOf(await (await ask(limits)).text());
    const tokens = chunks.filter(({ choices }) => (choices[0]?.delta.content ?? "") !== "");
    expect(tokens).toHaveLength(4);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("length");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
    expect(chunksOf(await (await ask({ stream: true })).text()).at(-1)?.usage).toBeUndefined();
  });

  it("requests to the model are counted, and a request that is no question gets 400 and is not counted", async () => {
    const before = counts.llm.requests;
    await (await ask()).text();
    expect((await ask({ messages: [] })).status).toBe(400);
    expect((await fetch(`${server.url}/llm/v1/models`)).status).toBe(404);
    expect(counts.llm.requests - before).toBe(1);
  });

  it("faults delay, cut, reset and refuse a stream, and only the model has the fault chunkDelayMs", async () => {
    faults.put("llm", { truncate: true, chunkDelayMs: 0 });
    await expect((await ask({ stream: true })).text()).rejects.toThrow("terminated");
    faults.put("llm", { reset: true });
    await expect(ask({ stream: true })).rejects.toThrow("fetch failed");
    faults.put("llm", { errorRate: 1 });
    expect((await ask({ stream: true })).status).toBe(500);
    faults.put("llm", { chunkDelayMs: 20 });
    const reader = (await ask({ stream: true })).body!.getReader();
    let parts = 0;
    while (!(await reader.read()).done) parts += 1;
    expect(parts).toBeGreaterThan(5);
    const refused = await fetch(`${server.url}/faults/llm`, {
      method: "PUT",
      body: JSON.stringify({ refuseWrites: "OOM x" }),
    });
    expect(refused.status).toBe(400);
  });
});
