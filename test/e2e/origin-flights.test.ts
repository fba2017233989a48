/** Two instances in front of one HTTP origin: a response that is stale in both is revalidated once. */
import { describe, expect, it } from "vitest";
import { ask } from "./support/ask.ts";
import type { Product } from "./support/product.ts";
import type { ScriptedOrigin } from "./support/scripted-origin.ts";
import { products } from "./support/shared-products.ts";

let origin: ScriptedOrigin;
let product: Product;
products.beforeAll(({ passThrough }) => void ({ origin, product } = passThrough));

const ETAG = ["ETag", '"a"'] as const;
/** One Host for both instances: the origin sees it, so it is part of the key. */
const HOST = { Host: "flights.test" };

async function get(instance: number, path: string, more: { signal?: AbortSignal } = {}) {
  const { status, body, headers } = await ask(product.urls[instance] ?? "", path, {
    headers: HOST,
    ...more,
  });
  return { status, body: body.toString(), cache: String(headers["x-cache-status"]) };
}

/** Stores a response with a lifetime of two seconds in both instances, and waits until it is stale in both. */
async function staleInBoth(path: string): Promise<void> {
  await get(0, path);
  const stored = async (instance: number): Promise<string> => {
    const headers = { ...HOST, "Cache-Control": "only-if-cached, max-stale" };
    const answer = await ask(product.urls[instance] ?? "", path, { headers });
    return String(answer.headers["cache-status"]);
  };
  for (const instance of [0, 1]) {
    await expect.poll(() => stored(instance), { timeout: 5_000 }).toMatch(/hit;/);
    await expect.poll(() => stored(instance), { timeout: 5_000 }).toMatch(/hit; ttl=-/);
  }
  expect(origin.seen(path).length).toBe(1);
}

describe("a response that is stale in two instances", () => {
  it.each([
    ["that has not changed", { unless: '"a"', headers: [["Cache-Control", "max-age=60"], ETAG] }],
    ["that has changed", { headers: [["Cache-Control", "max-age=60"]], body: "new" }],
  ] as const)(
    "two Worker instances revalidate a stale response %s only once for 100 concurrent requests",
    async (_, second) => {
      const path = origin.script(
        { headers: [["Cache-Control", "max-age=2"], ETAG] },
        { waitMs: 500, ...second },
      );
      await staleInBoth(path);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (__, number) => get(number % 2, path)),
      );
      const body = "body" in second ? second.body : "response 1";
      expect(new Set(answers.map((answer) => `${answer.status} ${answer.body}`))).toEqual(
        new Set([`200 ${body}`]),
      );
      expect(origin.seen(path).length, "requests at the origin, the first included").toBe(2);
    },
  );

  it("one revalidation of a stale response serves all waiting requests, even if the first client disconnects", async () => {
    const path = origin.script(
      { headers: [["Cache-Control", "max-age=2"], ETAG] },
      { waitMs: 500, unless: '"a"', headers: [["Cache-Control", "max-age=60"], ETAG] },
    );
    await staleInBoth(path);
    const leaving = new AbortController();
    const first = get(0, path, { signal: leaving.signal }).catch((error: unknown) => error);
    await expect.poll(() => origin.seen(path).length, { interval: 5 }).toBe(2);
    const others = Array.from({ length: 20 }, (_, number) => get(number % 2, path));
    leaving.abort();
    expect(await first).toMatchObject({ name: "AbortError" });
    const answers = await Promise.all(others);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(origin.seen(path).length).toBe(2);
  });
});
