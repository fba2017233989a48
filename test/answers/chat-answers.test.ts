import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { cacheOf, chat, newMessage, type ChatAnswer } from "../api/chat-client.ts";
import { createClient } from "../api/client.ts";

/** Objects that do not answer. */
function brokenObjects(answer: () => Promise<Response>): DurableObjectNamespace {
  return {
    idFromName: (name: string) => env.ANSWERS!.idFromName(name),
    get: () => ({ fetch: answer }),
  } as unknown as DurableObjectNamespace;
}

describe("the answer objects", () => {
  it.each([
    [
      "throws",
      async (): Promise<Response> => {
        throw new Error("the object was reset");
      },
    ],
    ["answers 500", async () => new Response("broken", { status: 500 })],
    [
      "answers without a head",
      async () => new Response("{}", { headers: { "X-Recording": "no JSON" } }),
    ],
  ])(
    "while the object of a key %s, the isolate makes the call itself and stores the answer",
    async (_, answer) => {
      const client = createClient({ ANSWERS: brokenObjects(answer) });
      const body = { persona: "clerk", message: newMessage() };
      const first = await chat(client, body);
      expect([first.status, cacheOf(first)]).toEqual([200, "MISS"]);
      const { answer: text } = await first.json<ChatAnswer>();
      const { namespace } = client.isolate.layer.config;
      const other = createClient({ STRATA_NAMESPACE: namespace });
      const second = await chat(other, body);
      expect(cacheOf(second)).toBe("HIT");
      expect((await second.json<ChatAnswer>()).answer).toBe(text);
    },
  );

  it("an object that is lost in the middle of an answer leaves a cut stream without [DONE]", async () => {
    const head = { id: "r", position: { asOf: 0, era: "" }, started: true, agoMs: 0 };
    const lost = async () =>
      new Response('[0,"half "]\n', { headers: { "X-Recording": JSON.stringify(head) } });
    const client = createClient({ ANSWERS: brokenObjects(lost) });
    const body = { persona: "clerk", message: newMessage(), stream: true };
    const text = await (await chat(client, body)).text();
    expect(text).toContain("half ");
    expect(text).toMatch(/event: error\n[^\n]*answer-cut-off[^\n]*\n\n$/);
    expect(text).not.toContain("[DONE]");
  });
});
