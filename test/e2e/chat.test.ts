/** The chat over real connections, on two instances with one model. */
import { afterEach, describe, expect, it } from "vitest";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));
afterEach(() => product.services.heal());

/** The default coherence bound, and the time of a request. */
const COHERENCE_MS = 1_100;

const newMessage = (): string => `What is ${crypto.randomUUID()}?`;

function ask(instance: number, body: object): Promise<Response> {
  return fetch(`${product.urls[instance % product.urls.length]}/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function calls(): Promise<number> {
  const counts = (await (await fetch(`${product.services.url}/counts`)).json()) as {
    llm: { requests: number };
  };
  return counts.llm.requests;
}

async function purge(instance: number, tags: readonly string[]): Promise<number> {
  const { status } = await fetch(`${product.urls[instance]}/admin/purge`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${product.adminToken}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ tags }),
  });
  return status;
}

describe("the chat on two instances", () => {
  it("1000 equal prompts on two instances, before, during and after the stream, make one call of the model and get the same bytes", async () => {
    await product.services.fault("llm", { latencyMs: 200, chunkDelayMs: 60 });
    const before = await calls();
    const body = { persona: "guide", message: newMessage(), stream: true };
    const texts = new Map<string, number>();
    const one = async (at: number): Promise<void> => {
      const response = await ask(at, body);
      const text = await response.text();
      texts.set(text, (texts.get(text) ?? 0) + 1);
    };
    // 8 waves: the first come before the first piece, the last after the end.
    const waves: Promise<void>[] = [];
    for (let wave = 0; wave < 8; wave++) {
      for (let at = 0; at < 125; at++) waves.push(one(at));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await Promise.all(waves);
    expect([...texts.values()]).toEqual([1_000]);
    expect([...texts.keys()][0]).toMatch(/data: \[DONE\]\n\n$/);
    expect((await calls()) - before).toBe(1);
  });

  it("a purge of a persona on one instance ends its answers on the other within the coherence bound, and no answer of another persona", async () => {
    const message = newMessage();
    for (const persona of ["clerk", "poet"]) await (await ask(0, { persona, message })).text();
    const made = await calls();
    // On a busy machine a purge can be refused. Then it has purged nothing.
    await expect.poll(() => purge(0, ["persona:clerk"]), { timeout: 20_000 }).toBe(200);
    let status = "";
    const cacheOf = async (persona: string): Promise<string | null> => {
      const answer = await ask(1, { persona, message });
      expect(answer.status, await answer.text()).toBe(200);
      status = answer.headers.get("Cache-Status") ?? "";
      // The bound does not hold for answers that are marked `unreachable`.
      return status.includes("unreachable") ? null : answer.headers.get("X-Cache-Status");
    };
    await new Promise((resolve) => setTimeout(resolve, COHERENCE_MS));
    await expect.poll(() => cacheOf("clerk"), { timeout: 20_000 }).not.toBeNull();
    expect(await calls(), status).toBe(made + 1);
    await expect.poll(() => cacheOf("poet"), { timeout: 20_000 }).toBe("HIT");
    expect(await calls()).toBe(made + 1);
  });

  it("the metrics count the answers by their source, and the tokens that were spent and saved", async () => {
    const body = { persona: "poet", message: newMessage() };
    for (let at = 0; at < 2; at++) await (await ask(at, body)).text();
    await expect
      .poll(async () => (await fetch(`${product.urls[0]}/metrics`)).text(), { timeout: 20_000 })
      .toMatch(
        /cache_answers_total\{[^}]*source="hit"[^}]*\} \d+[\s\S]*cache_answer_tokens_total\{[^}]*use="saved"/,
      );
  });
});
