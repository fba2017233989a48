import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keyOfQuestion, normalQuestion } from "../../src/answers/question.ts";
import { questionOf } from "../../src/api/chat-questions.ts";
import { PERSONAS } from "../../src/api/personas.ts";
import { redisCommand } from "../support/gateway.ts";
import { clearFaults, putFault } from "../writes/faults.ts";
import { cacheOf, chat, newMessage, readEvents, type ChatAnswer } from "./chat-client.ts";
import { createClient, problemOf, type Client } from "./client.ts";

beforeEach(clearFaults);
afterEach(clearFaults);

/** The default coherence bound. */
const COHERENCE_MS = 1_000;

/** The requests that the model gets during `work`. */
async function callsOf(work: () => Promise<unknown>): Promise<number> {
  const before = await calls();
  await work();
  return (await calls()) - before;
}

async function calls(): Promise<number> {
  const counts = await (
    await fetch(`${env.SERVICES_URL}/counts`)
  ).json<{
    llm: { requests: number };
  }>();
  return counts.llm.requests;
}

/** Sends a question and returns its response before the body has arrived. */
function open(client: Client, body: object) {
  const ctx = createExecutionContext();
  const request = new Request("http://strata.test/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true }),
  });
  const response = Promise.resolve(client.isolate.app.fetch(request, env, ctx));
  return { response, ended: () => waitOnExecutionContext(ctx) };
}

/** Whether Redis has an entry for this message to the clerk: 0 or 1. */
async function isInRedis({ isolate }: Client, message: string): Promise<number> {
  const { namespace, model } = isolate.layer.config;
  const clerk = PERSONAS.find(({ name }) => name === "clerk")!;
  const question = normalQuestion(questionOf(clerk, message, { kind: "anonymous" }, []));
  const key = await keyOfQuestion(question, model!);
  return redisCommand<number>("EXISTS", `${namespace}:e:${key}`);
}

function sibling(client: Client, without: Parameters<typeof createClient>[1] = []): Client {
  return createClient({ STRATA_NAMESPACE: client.isolate.layer.config.namespace }, without);
}

describe("answers of the model", () => {
  it.each([["with the Durable Object", []] as const, ["without it", ["ANSWERS"]] as const])(
    "60 readers of two isolates who ask the same at once get the same bytes from one call of the model for each object or isolate, %s",
    async (_, without) => {
      const client = createClient({}, without);
      const other = sibling(client, without);
      const body = { persona: "guide", message: newMessage(), stream: true };
      const texts = new Set<string>();
      const made = await callsOf(async () => {
        const answers = await Promise.all(
          Array.from({ length: 60 }, (_, at) => chat(at % 2 === 0 ? client : other, body)),
        );
        for (const answer of answers) texts.add(await answer.text());
      });
      expect(made).toBe(without.length === 0 ? 1 : 2);
      expect(texts.size).toBe(1);
      expect(readEvents([...texts][0] ?? "").last).toBe("[DONE]");
    },
  );

  it("a reader who comes in the middle of a stream gets it from its beginning, with the same bytes and no second call", async () => {
    await putFault("llm", { chunkDelayMs: 50 });
    const client = createClient();
    const body = { persona: "guide", message: newMessage() };
    const made = await callsOf(async () => {
      const first = open(client, body);
      const reader = (await first.response).body!.getReader();
      const { value } = await reader.read();
      const joined = await chat(sibling(client), { ...body, stream: true });
      expect(joined.headers.get("Cache-Status")).toContain("collapsed");
      const decoder = new TextDecoder();
      let text = decoder.decode(value as Uint8Array, { stream: true });
      for (;;) {
        const next = await reader.read();
        if (next.done) break;
        text += decoder.decode(next.value as Uint8Array, { stream: true });
      }
      expect(await joined.text()).toBe(text);
      await first.ended();
    });
    expect(made).toBe(1);
  });

  it("the call goes on when its first reader leaves, and the next reader gets the answer without a second call", async () => {
    await putFault("llm", { chunkDelayMs: 30 });
    const client = createClient();
    const body = { persona: "guide", message: newMessage() };
    const made = await callsOf(async () => {
      const first = open(client, body);
      await (await first.response).body!.cancel();
      await first.ended();
      const next = await chat(sibling(client), body);
      expect(next.status).toBe(200);
      expect((await next.json<ChatAnswer>()).finishReason).toBe("stop");
    });
    expect(made).toBe(1);
  });

  it("a purge during a stream leaves no old answer: neither a reader who comes during the stream nor one after it gets it", async () => {
    await putFault("llm", { chunkDelayMs: 60 });
    const client = createClient();
    const other = sibling(client);
    const body = { persona: "clerk", message: newMessage() };
    const made = await callsOf(async () => {
      const first = open(client, body);
      const stream = await first.response;
      const purged = await client.write("POST", "/admin/purge", { tags: ["persona:clerk"] });
      expect(purged.status).toBe(200);
      const during = await chat(client, { ...body, stream: true });
      expect(during.headers.get("Cache-Status")).not.toContain("collapsed");
      expect(readEvents(await stream.text()).last).toBe("[DONE]");
      await first.ended();
      await during.text();
      // The second answer is valid, so it answers the third question.
      expect(cacheOf(await chat(other, body))).toBe("HIT");
    });
    expect(made).toBe(2);
  });

  it("the answer of a stream that began before a purge and ended after it is in Redis, and answers no reader", async () => {
    await putFault("llm", { chunkDelayMs: 30 });
    const client = createClient();
    const other = sibling(client);
    const body = { persona: "clerk", message: newMessage() };
    const made = await callsOf(async () => {
      const first = open(client, body);
      const stream = await first.response;
      await client.write("POST", "/admin/purge", { tags: ["persona:clerk"] });
      await stream.text();
      await first.ended();
      await vi.waitFor(async () => expect(await isInRedis(client, body.message)).toBe(1), 5_000);
      const after = await chat(other, body);
      expect([cacheOf(after), after.headers.get("Cache-Status")]).toEqual([
        "MISS",
        "strata; fwd=uri-miss; fwd-status=200",
      ]);
    });
    expect(made).toBe(2);
  });

  it("a stream that is cut off ends with the event error and without [DONE], and is not stored", async () => {
    await putFault("llm", { truncate: true, chunkDelayMs: 20 });
    const client = createClient();
    const body = { persona: "clerk", message: newMessage() };
    const cut = await (await chat(client, { ...body, stream: true })).text();
    expect(cut).toMatch(/\n\nevent: error\ndata: .*answer-cut-off.*\n\n$/);
    expect(cut).not.toContain("[DONE]");
    expect(cut).not.toContain('finish_reason":"stop');
    await clearFaults();
    const whole = await chat(sibling(client), body);
    expect([whole.status, cacheOf(whole)]).toEqual([200, "MISS"]);
  });

  it.each([
    ["answers 500", { errorRate: 1 }],
    ["resets connections", { reset: true }],
    ["cuts its answer", { truncate: true, chunkDelayMs: 0 }],
  ])(
    "while the model %s, a question without a stored answer gets a 503 with Retry-After that names neither the address nor the key of the model",
    async (_, fault) => {
      await putFault("llm", fault);
      const client = createClient({ LLM_API_KEY: "secret-key" });
      const refused = await chat(client, { persona: "clerk", message: newMessage() });
      const retryAfter = refused.headers.get("Retry-After");
      const problem = await problemOf(refused);
      expect([problem.status, problem.type]).toEqual([
        503,
        "urn:strata:problem:origin-unavailable",
      ]);
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
      expect(JSON.stringify(problem)).not.toMatch(/secret-key|127\.0\.0\.1|llm/);
    },
  );

  it("an answer past its lifetime answers while the model is down, as JSON and as a stream, and is marked STALE", async () => {
    const client = createClient();
    const body = { persona: "clerk", message: newMessage() };
    const fresh = await (await chat(client, body)).json<ChatAnswer>();
    await client.write("POST", "/admin/purge", { tags: ["persona:clerk"], soft: true });
    await putFault("llm", { errorRate: 1 });
    const stale = await chat(client, body);
    expect([stale.status, cacheOf(stale)]).toEqual([200, "STALE"]);
    expect(stale.headers.get("Cache-Status")).toContain("stale-on-error");
    expect(await stale.json()).toEqual(fresh);
    const stream = await chat(client, { ...body, stream: true });
    expect(cacheOf(stream)).toBe("STALE");
    expect(readEvents(await stream.text()).text).toBe(fresh.answer);
    await putFault("llm", { truncate: true, chunkDelayMs: 20 });
    const cut = await chat(sibling(client), body);
    expect([cut.status, cacheOf(cut)]).toEqual([200, "STALE"]);
    expect(await cut.json()).toEqual(fresh);
    await clearFaults();
    await vi.waitFor(async () => expect(cacheOf(await chat(client, body))).toBe("MISS"), 5_000);
  });

  it("after ten failed calls of the model, an answer past its lifetime and a 503 come without a call, until the model answers again", async () => {
    const client = createClient();
    const body = { persona: "clerk", message: newMessage() };
    await chat(client, body);
    await client.write("POST", "/admin/purge", { tags: ["persona:clerk"], soft: true });
    await putFault("llm", { errorRate: 1 });
    for (let count = 0; count < 10; count++)
      expect((await chat(client, { ...body, message: newMessage() })).status).toBe(503);
    const made = await callsOf(async () => {
      expect(cacheOf(await chat(client, body))).toBe("STALE");
      expect((await chat(client, { ...body, message: newMessage() })).status).toBe(503);
    });
    expect(made).toBe(0);
    await clearFaults();
    await vi.waitFor(async () => expect(cacheOf(await chat(client, body))).toBe("MISS"), 10_000);
  });

  it("while Redis does not answer, readers get the model's answer, and those who ask at the same time share one call", async () => {
    const client = createClient({ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" });
    const body = { persona: "clerk", message: newMessage() };
    await putFault("llm", { chunkDelayMs: 60 });
    const made = await callsOf(async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => chat(client, body)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
      const again = await chat(client, body);
      expect(again.status).toBe(200);
    });
    expect(made).toBe(1);
  });

  it("an isolate that cannot ask the log marks the answer of another isolate's call, begun before its coherence bound, as unreachable", async () => {
    const client = createClient();
    const other = sibling(client);
    await chat(other, { persona: "clerk", message: newMessage() });
    const body = { persona: "clerk", message: newMessage() };
    await putFault("llm", { chunkDelayMs: 150 });
    const made = await callsOf(async () => {
      const first = open(client, body);
      const text = (await first.response).text();
      await putFault("redis", { errorRate: 1 });
      await scheduler.wait(COHERENCE_MS + 100);
      const joined = await chat(other, { ...body, stream: true });
      expect(joined.headers.get("Cache-Status")).toMatch(/; collapsed; unreachable$/);
      expect(await joined.text()).toBe(await text);
      await first.ended();
    });
    expect(made).toBe(1);
  });
});
