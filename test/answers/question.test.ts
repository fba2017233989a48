import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { normalMessage } from "../../src/answers/normal-message.ts";
import {
  keyOfQuestion,
  normalQuestion,
  type AnswerScope,
  type Question,
} from "../../src/answers/question.ts";
import { randomFrom } from "./support.ts";

const MODEL = { baseUrl: "https://model.test/v1", model: "small" };
const QUESTION: Question = {
  scope: "message",
  group: "clerk",
  promptVersion: "1",
  messages: [
    { role: "system", content: "You are a clerk." },
    { role: "user", content: "Where is my order?" },
  ],
  parameters: { temperature: 0.2, max_tokens: 400 },
  tools: [{ type: "function", function: { name: "order" } }],
};

describe("the key of an answer", () => {
  it("each part that shapes an answer changes its key: tenant, user, scope, group, model, address, parameters, tools, prompt and message", async () => {
    const [system, user] = QUESTION.messages;
    const changes: readonly Partial<Question>[] = [
      { tenant: "a" },
      { tenant: "b" },
      { owner: "a" },
      { owner: "b" },
      { tenant: "a", owner: "b" },
      { scope: "session" },
      { group: "guide" },
      { promptVersion: "2" },
      { messages: [{ role: "system", content: "You are a Clerk." }, user!] },
      { messages: [system!, { role: "user", content: "where is my order?" }] },
      { messages: [user!, system!] },
      { parameters: { temperature: 0.3, max_tokens: 400 } },
      { parameters: { temperature: 0.2 } },
      { tools: [] },
      { tools: [{ type: "function", function: { name: "orders" } }] },
    ];
    const keys = await Promise.all([
      keyOfQuestion(QUESTION, MODEL),
      keyOfQuestion(QUESTION, { ...MODEL, model: "large" }),
      keyOfQuestion(QUESTION, { ...MODEL, baseUrl: "https://other.test/v1" }),
      ...changes.map((change) => keyOfQuestion({ ...QUESTION, ...change }, MODEL)),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("tags, the order of parameters and the white space of a message do not change the key", async () => {
    const same = normalQuestion({
      ...QUESTION,
      tags: ["persona:clerk"],
      parameters: { max_tokens: 400, temperature: 0.2 },
      messages: [QUESTION.messages[0]!, { role: "user", content: " Where\n is my\torder? " }],
    });
    expect(await keyOfQuestion(same, MODEL)).toBe(await keyOfQuestion(QUESTION, MODEL));
    expect(await keyOfQuestion(QUESTION, MODEL)).toMatch(/^answer:message:[0-9a-f]{64}$/);
  });

  it("of 100000 random questions of several tenants, users and personas, none finds an answer of other callers", async () => {
    const random = randomFrom(3);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
    // Names that look like separators, other names, or the lack of a name.
    const names = [undefined, "", "a", "b", "a:b", "null", '["a"]', "a\0b", "ä", "a\u0308"];
    const scopes: readonly AnswerScope[] = ["message", "persona", "session"];
    const store = new Map<string, string>();
    const ask = async () => {
      const question = normalQuestion({
        ...QUESTION,
        tenant: pick(names),
        owner: pick(names),
        scope: pick(scopes),
        group: pick(["clerk", "guide"]),
        parameters: { temperature: pick([0, 1]) },
        messages: [{ role: "user", content: pick(["Hi", "Hi ", "hi", "H i"]) }],
      });
      const { tenant, owner, scope, group, parameters, messages } = question;
      const asker = [tenant === undefined ? 0 : [tenant], owner === undefined ? 0 : [owner]];
      const callers = JSON.stringify([asker, scope, group, parameters, messages]);
      return [await keyOfQuestion(question, MODEL), callers] as const;
    };
    let hits = 0;
    for (let round = 0; round < 100; round++) {
      for (const [key, callers] of await Promise.all(Array.from({ length: 1_000 }, ask))) {
        const found = store.get(key);
        if (found === undefined) store.set(key, callers);
        else if (found === callers) hits += 1;
        else throw new Error(`${callers} found the answer of ${found}`);
      }
    }
    expect(hits).toBeGreaterThan(90_000);
  }, 300_000);
});

describe("the canonical form of JSON", () => {
  it("members are in the order of their names at every depth, and members without a value are left out", () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined, a: null }], a: "x" })).toBe(
      '{"a":"x","b":[{"a":null,"d":1}]}',
    );
  });

  it.each([Number.NaN, new Date(0), new Map(), () => 1, 1n])(
    "a value that JSON would lose is refused: %s",
    (value) => {
      expect(() => canonicalJson({ value })).toThrow("must be");
    },
  );
});

describe("the normal form of a message", () => {
  it("equal characters in other Unicode forms and runs of white space meet, and case and punctuation stay", () => {
    expect(normalMessage(" Gru\u0308ße\u00A0 \n an\tAlle! ")).toBe("Grüße an Alle!");
  });
});
