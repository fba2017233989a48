/** Sessions over HTTP on two instances of the Worker. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Answer, Client } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";

/** After the answer to a revocation, no session is seen later than this. */
const REVOCATION_MS = 1_000;
const ROUNDS = 12;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));
afterEach(() => product.services.heal());

const json = { "Content-Type": "application/json" };

async function signIn(client: Client, instance: number, userId: number, cookie = "") {
  const answer = await client.ask(instance, "/sessions", {
    method: "POST",
    headers: { ...json, ...(cookie !== "" && { Cookie: cookie }) },
    body: JSON.stringify({ userId }),
  });
  expect(answer.status, answer.body).toBe(201);
  return (answer.headers["set-cookie"] ?? "").split(";")[0] ?? "";
}

const current = (client: Client, instance: number, cookie: string): Promise<Answer> =>
  client.ask(instance, "/sessions/current", { headers: { Cookie: cookie } });

/** Asks again and again until a time, and returns the answers with status 200. */
async function watch(cookie: string, until: () => boolean): Promise<readonly Answer[]> {
  const found: Answer[] = [];
  const watchOne = async (instance: number) => {
    while (!until()) {
      // Each read has an address of its own, so that no limit of an address refuses it.
      const answer = await current(product.client(), instance, cookie);
      if (answer.status === 200) found.push(answer);
      await pause(20);
    }
  };
  await Promise.all([watchOne(0), watchOne(1)]);
  return found;
}

describe("sessions on two instances of the Worker", () => {
  it("on http://127.0.0.1 a sign-in gives a plain cookie, and the other instance knows its session and shows the private profile", async () => {
    const client = product.client();
    const cookie = await signIn(client, 0, 11);
    expect(cookie).toMatch(/^session=[\w-]{43}$/);
    const answer = await current(client, 1, cookie);
    expect(JSON.parse(answer.body)).toMatchObject({ userId: 11 });
    const profile = await client.ask(1, "/users/11", { headers: { Cookie: cookie } });
    expect(JSON.parse(profile.body)).toMatchObject({ id: 11, email: expect.stringContaining("@") });
    const other = await client.ask(1, "/users/12", { headers: { Cookie: cookie } });
    expect(other.body).not.toContain("@");
  });

  it("after an acknowledged revocation on one instance, no instance finds the session later than 1 s", async () => {
    const client = product.client();
    for (let round = 0; round < ROUNDS; round++) {
      const cookie = await signIn(client, round % 2, 20 + round);
      let over = false;
      const watching = watch(cookie, () => over);
      await pause(60);
      const path = round % 3 === 0 ? "/sessions" : "/sessions/current";
      const revoked = await product
        .client()
        .ask((round + 1) % 2, path, { method: "DELETE", headers: { Cookie: cookie } });
      expect(revoked.status).toBe(204);
      await pause(150);
      over = true;
      const found = await watching;
      expect(found.length).toBeGreaterThan(0);
      const last = Math.max(...found.map(({ endedAt }) => endedAt));
      expect(last - revoked.endedAt).toBeLessThanOrEqual(REVOCATION_MS);
      expect((await current(client, 0, cookie)).status).toBe(401);
      expect((await current(client, 1, cookie)).status).toBe(401);
    }
  });

  it("a read that Redis answers long after it began does not find a session that was revoked meanwhile", async () => {
    const client = product.client();
    const cookie = await signIn(client, 0, 40);
    await product.services.fault("redis", { latencyMs: 3_000 });
    const slow = current(product.client(), 1, cookie);
    await pause(50);
    await product.services.heal();
    const path = "/sessions/current";
    const revoked = await client.ask(0, path, { method: "DELETE", headers: { Cookie: cookie } });
    expect(revoked.status).toBe(204);
    const answer = await slow;
    if (answer.status === 200)
      expect(answer.endedAt - revoked.endedAt).toBeLessThanOrEqual(REVOCATION_MS);
    else expect([401, 503]).toContain(answer.status);
  });

  it("while Redis hangs or fails, a request with a session cookie gets a 503, and its own session afterwards", async () => {
    const client = product.client();
    const cookie = await signIn(client, 0, 41);
    for (const fault of [{ hang: true }, { errorRate: 1 }, { truncate: true }, { reset: true }]) {
      await product.services.fault("redis", fault);
      for (const instance of [0, 1]) {
        const answer = await current(product.client(), instance, cookie);
        expect(answer.status, JSON.stringify(fault)).toBe(503);
        expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
      }
      await product.services.heal();
    }
    for (const instance of [0, 1]) {
      let answer = await current(product.client(), instance, cookie);
      // The breaker lets a read through again after its open time, at most 5 s.
      for (let tries = 0; answer.status === 503 && tries < 60; tries++) {
        await pause(200);
        answer = await current(product.client(), instance, cookie);
      }
      expect(JSON.parse(answer.body)).toMatchObject({ userId: 41 });
    }
  });

  it("a sign-in with the cookie of another session ends that session on both instances", async () => {
    const client = product.client();
    const first = await signIn(client, 0, 42);
    const second = await signIn(client, 1, 43, first);
    expect(second).not.toBe(first);
    for (const instance of [0, 1])
      expect((await current(client, instance, first)).status).toBe(401);
    expect(JSON.parse((await current(client, 0, second)).body)).toMatchObject({ userId: 43 });
  });
});
