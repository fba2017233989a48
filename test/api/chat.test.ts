import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/index.ts";
import { createClient, problemOf, type Client } from "./client.ts";

interface ChatAnswer {
  readonly persona: string;
  readonly message: string;
  readonly answer: string;
  readonly model: string;
  readonly finishReason: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

/** A message that no other test sends. */
const newMessage = (): string => `What is ${crypto.randomUUID()}?`;

function chat(client: Client, body: object, headers: Record<string, string> = {}) {
  return client.send("/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

const statusOf = (response: Response): string | null => response.headers.get("X-Cache-Status");

/** The text of the chunks, and the last data of a stream. */
function readEvents(stream: string): { text: string; last: string; events: number } {
  const data = stream
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""));
  const last = data.at(-1) ?? "";
  const chunks = data.slice(0, -1).map(
    (json) =>
      JSON.parse(json) as {
        choices: { delta: { content?: string }; finish_reason: string | null }[];
      },
  );
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
  return { text, last, events: data.length };
}

describe("POST /chat", () => {
  it("the first question is a miss, and the same question with other white space is a hit in another isolate with the same answer", async () => {
    const client = createClient();
    const message = newMessage();
    const first = await chat(client, { persona: "clerk", message });
    expect([first.status, statusOf(first), first.headers.get("Age")]).toEqual([200, "MISS", null]);
    const answer = await first.json<ChatAnswer>();
    expect(answer).toMatchObject({ persona: "clerk", message, finishReason: "stop" });
    expect(answer.answer.split(" ")).toHaveLength(answer.usage.outputTokens);

    const { STRATA_NAMESPACE } = client.isolate.layer.config as unknown as Bindings;
    const namespace = client.isolate.layer.config.namespace;
    expect(STRATA_NAMESPACE).toBeUndefined();
    const other = createClient({ STRATA_NAMESPACE: namespace });
    const spaced = `  ${message.replaceAll(" ", " \n ")} `;
    const second = await chat(other, { persona: "clerk", message: spaced });
    expect([second.status, statusOf(second)]).toEqual([200, "HIT"]);
    expect(await second.json<ChatAnswer>()).toEqual({ ...answer, message: spaced });
    expect(second.headers.get("Age")).toMatch(/^\d+$/);
    expect(second.headers.get("Cache-Control")).toBe("no-store");
  });

  it("a streamed miss and its replay have the same events, which end with [DONE] and together are the answer", async () => {
    const client = createClient();
    const body = { persona: "poet", message: newMessage() };
    const live = await chat(client, { ...body, stream: true });
    expect(live.headers.get("Content-Type")).toBe("text/event-stream");
    expect(statusOf(live)).toBe("MISS");
    const events = await live.text();
    const read = readEvents(events);
    expect(read.last).toBe("[DONE]");
    expect(read.events).toBeGreaterThan(10);

    const replay = await chat(client, body, { Accept: "text/event-stream" });
    expect(statusOf(replay)).toBe("HIT");
    expect(await replay.text()).toBe(events);
    const json = await chat(client, body);
    expect((await json.json<ChatAnswer>()).answer).toBe(read.text);
  });

  it("an unknown persona is answered with 404, a malformed body with 400, and a Worker without a model with a 503 that names LLM_BASE_URL", async () => {
    const client = createClient();
    const unknown = await chat(client, { persona: "king", message: "Hello" });
    expect((await problemOf(unknown)).type).toBe("urn:strata:problem:no-such-persona");
    for (const body of [
      { persona: "clerk" },
      { persona: "clerk", message: " " },
      { persona: "clerk", message: "x".repeat(8_001) },
      { persona: "Clerk", message: "x" },
      { persona: "clerk", message: "x", model: "other" },
    ])
      expect((await chat(client, body)).status).toBe(400);
    const without = createClient({}, ["LLM_BASE_URL"]);
    const refused = await chat(without, { persona: "clerk", message: "Hello" });
    expect(await problemOf(refused)).toMatchObject({
      status: 503,
      type: "urn:strata:problem:model-not-configured",
      detail: expect.stringContaining("LLM_BASE_URL"),
    });
    expect(env.LLM_BASE_URL).toContain("http");
  });
});
