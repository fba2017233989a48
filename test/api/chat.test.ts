import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { keyOfQuestion, normalQuestion } from "../../src/answers/question.ts";
import { questionOf } from "../../src/api/chat-questions.ts";
import { PERSONAS } from "../../src/api/personas.ts";
import type { Bindings } from "../../src/index.ts";
import { internalsOf } from "../../src/internals.ts";
import { cacheOf, chat, newMessage, readEvents, type ChatAnswer } from "./chat-client.ts";
import { createClient, problemOf } from "./client.ts";

/** The users ada and bob, by the SHA-256 of their keys. */
const KEYS =
  "5532e44183f47ed1fc146851b96d585c24da5bd5fe31a885cebc357261ed8f7f ada, 808a1d81b5de08d72083995df738947d519d230a20c236003268f0f4b65ee475 bob";

/** A namespace with two users, who sign in with an API key. */
function callers(bindings: Partial<Bindings> = {}) {
  const client = createClient({ API_KEYS: KEYS, STRATA_DEV: "", ...bindings });
  const body = { persona: "clerk", message: newMessage() };
  const address = { "CF-Connecting-IP": "192.0.2.7" };
  const withAddress = {
    ...client,
    send: (path: string, init: RequestInit = {}) =>
      client.send(path, { ...init, headers: { ...address, ...(init.headers as object) } }),
  };
  const as = (user: string, question: object = body) =>
    chat(withAddress, question, { "X-API-Key": `key-of-${user}` });
  return { client: withAddress, body, as };
}

describe("POST /chat", () => {
  it("the first question is a miss, and the same question with other white space is a hit in another isolate with the same answer", async () => {
    const client = createClient();
    const message = newMessage();
    const first = await chat(client, { persona: "clerk", message });
    expect([first.status, cacheOf(first), first.headers.get("Age")]).toEqual([200, "MISS", null]);
    const answer = await first.json<ChatAnswer>();
    expect(answer).toMatchObject({ persona: "clerk", message, finishReason: "stop" });
    expect(answer.answer.split(" ")).toHaveLength(answer.usage.outputTokens);

    const namespace = client.isolate.layer.config.namespace;
    const other = createClient({ STRATA_NAMESPACE: namespace });
    const spaced = `  ${message.replaceAll(" ", " \n ")} `;
    const second = await chat(other, { persona: "clerk", message: spaced });
    expect([second.status, cacheOf(second)]).toEqual([200, "HIT"]);
    expect(await second.json<ChatAnswer>()).toEqual({ ...answer, message: spaced });
    expect(second.headers.get("Age")).toMatch(/^\d+$/);
    expect(second.headers.get("Cache-Control")).toBe("no-store");
  });

  it("a streamed miss and its replay have the same events, which end with [DONE] and together are the answer", async () => {
    const client = createClient();
    const body = { persona: "poet", message: newMessage() };
    const live = await chat(client, { ...body, stream: true });
    expect(live.headers.get("Content-Type")).toBe("text/event-stream");
    expect(cacheOf(live)).toBe("MISS");
    const events = await live.text();
    const read = readEvents(events);
    expect(read.last).toBe("[DONE]");
    expect(read.events).toBeGreaterThan(10);

    const replay = await chat(client, body, { Accept: "text/event-stream" });
    expect(cacheOf(replay)).toBe("HIT");
    expect(await replay.text()).toBe(events);
    const json = await chat(client, body);
    expect((await json.json<ChatAnswer>()).answer).toBe(read.text);
  });

  it("the user of a session gets answers of its own, apart from those of an API-key user with the same id and of anonymous callers", async () => {
    const key = "5532e44183f47ed1fc146851b96d585c24da5bd5fe31a885cebc357261ed8f7f";
    const { client, body, as } = callers({ API_KEYS: `${key} 7`, STRATA_DEV: "1" });
    const signIn = await client.send("/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: '{"userId":7}',
    });
    const cookie = (signIn.headers.get("Set-Cookie") ?? "").split(";", 1)[0] ?? "";
    const inSession = () => chat(client, body, { Cookie: cookie });
    expect(cacheOf(await as("ada"))).toBe("MISS");
    expect(cacheOf(await chat(client, body))).toBe("MISS");
    expect(cacheOf(await inSession())).toBe("MISS");
    expect(cacheOf(await inSession())).toBe("HIT");
  });

  it("anonymous callers share an answer, and a signed-in caller gets an answer of its own that nobody else gets", async () => {
    const { client, body, as } = callers();
    expect(cacheOf(await chat(client, body))).toBe("MISS");
    expect(cacheOf(await chat(client, body, { Cookie: "sid=unknown" }))).toBe("HIT");
    expect(cacheOf(await as("ada"))).toBe("MISS");
    expect(cacheOf(await as("ada"))).toBe("HIT");
    expect(cacheOf(await as("bob"))).toBe("MISS");
  });

  it("signed-in callers share the answers of the personas in CHAT_SHARED_PERSONAS, and of no other persona", async () => {
    const { client, body, as } = callers({ CHAT_SHARED_PERSONAS: "poet, guide" });
    const poem = { ...body, persona: "poet" };
    expect(cacheOf(await chat(client, poem))).toBe("MISS");
    expect(cacheOf(await as("ada", poem))).toBe("HIT");
    expect(cacheOf(await as("ada"))).toBe("MISS");
    expect(cacheOf(await as("bob"))).toBe("MISS");
  });

  it("an answer is fresh for 5 minutes, the answer to a suggested message for an hour, and that of a signed-in caller for 24 hours, each shortened by at most a tenth", async () => {
    const { client, body, as } = callers();
    const { memory } = internalsOf(client.isolate.layer);
    const clerk = PERSONAS.find(({ name }) => name === "clerk")!;
    const opener = " How do  I return a product?";
    await chat(client, body);
    await chat(client, { persona: "clerk", message: opener });
    await as("ada");
    for (const [message, caller, minutes] of [
      [body.message, { kind: "anonymous" }, 5],
      [opener, { kind: "anonymous" }, 60],
      [body.message, { kind: "user", id: "ada" }, 24 * 60],
    ] as const) {
      const question = normalQuestion(questionOf(clerk, message, caller, []));
      const { baseUrl = "", model = "" } = client.isolate.layer.config.model ?? {};
      const entry = memory.peek(await keyOfQuestion(question, { baseUrl, model }));
      if (entry === undefined) throw new Error(`there is no entry for ${message}`);
      const lifetime = (entry.freshUntil - entry.storedAt) / 60_000;
      expect(lifetime).toBeLessThanOrEqual(minutes);
      expect(lifetime).toBeGreaterThanOrEqual(minutes * 0.9 - 0.1);
      expect(entry.invalidationKeys).toContain("t:persona:clerk");
    }
  });

  it("a purge of one persona ends exactly the answers of that persona, and a purge of a deployment those of the deployment", async () => {
    const client = createClient({ DEPLOYMENT_ID: "blue" });
    const { namespace } = client.isolate.layer.config;
    const green = createClient({ DEPLOYMENT_ID: "green", STRATA_NAMESPACE: namespace });
    const message = newMessage();
    const ask = async (persona: string) => cacheOf(await chat(client, { persona, message }));
    expect([await ask("clerk"), await ask("guide"), await ask("poet")]).toEqual(
      Array.from({ length: 3 }, () => "MISS"),
    );
    const other = { persona: "guide", message: newMessage() };
    expect(cacheOf(await chat(green, other))).toBe("MISS");
    await client.write("POST", "/admin/purge", { tags: ["persona:clerk"] });
    expect([await ask("guide"), await ask("poet"), await ask("clerk"), await ask("clerk")]).toEqual(
      ["HIT", "HIT", "MISS", "HIT"],
    );
    await client.write("POST", "/admin/purge", { tags: ["deployment:blue"] });
    expect(cacheOf(await chat(client, other))).toBe("HIT");
    expect([await ask("guide"), await ask("poet"), await ask("clerk")]).toEqual(
      Array.from({ length: 3 }, () => "MISS"),
    );
  });

  it("without the binding ANSWERS the isolate makes the call, and another isolate finds the answer in Redis", async () => {
    const client = createClient({}, ["ANSWERS"]);
    const { namespace } = client.isolate.layer.config;
    const body = { persona: "clerk", message: newMessage() };
    const first = await chat(client, { ...body, stream: true });
    expect(cacheOf(first)).toBe("MISS");
    const events = await first.text();
    expect(readEvents(events).last).toBe("[DONE]");
    const other = createClient({ STRATA_NAMESPACE: namespace }, ["ANSWERS"]);
    const second = await chat(other, { ...body, stream: true });
    expect([cacheOf(second), await second.text()]).toEqual(["HIT", events]);
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
