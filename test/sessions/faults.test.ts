/** Sessions while Redis fails: an answer is 401 or 503, and never a session that the cookie does not name. */
import { afterEach, describe, expect, it } from "vitest";
import { SessionsUnavailable } from "../../src/index.ts";
import { createClient, problemOf } from "../api/client.ts";
import { createTestContext } from "../support/context.ts";
import { redisCommand } from "../support/gateway.ts";
import {
  answerRequests,
  hangNetwork,
  loseNetwork,
  observeRequests,
  restoreNetwork,
} from "../support/network.ts";
import { createSessionApp, userIn } from "./session-app.ts";

afterEach(restoreNetwork);

const isRead = (body: string) => body.includes("getex");
const redisAnswer = (result: unknown) => () => Response.json({ result });

async function signedIn() {
  const app = createSessionApp();
  const [ada, bob] = [app.browser(), app.browser()];
  await ada.post("/sign-in/ada");
  await bob.post("/sign-in/bob");
  expect([userIn(await ada.get("/me")), userIn(await bob.get("/me"))]).toEqual(["ada", "bob"]);
  return { app, ada, bob };
}

describe("a read of a session", () => {
  it.each<[string, () => void]>([
    ["hangs", hangNetwork],
    ["cannot be reached", loseNetwork],
    [
      "answers with an error",
      () => answerRequests(isRead, () => Response.json({ error: "ERR internal" })),
    ],
    ["answers 500", () => answerRequests(isRead, () => new Response("oops", { status: 500 }))],
    [
      "answers with half of a JSON text",
      () => answerRequests(isRead, () => new Response('{"resu')),
    ],
    ["answers with a number", () => answerRequests(isRead, redisAnswer(1))],
    ["answers with a list", () => answerRequests(isRead, redisAnswer(["a", "b"]))],
    ["answers with another text", () => answerRequests(isRead, redisAnswer("OK"))],
    [
      "answers that it is full",
      () => answerRequests(isRead, () => Response.json({ error: "OOM command not allowed" })),
    ],
  ])(
    "while Redis %s, a request with a session cookie gets a 503, and its session is there afterwards",
    async (_, fail) => {
      const { ada } = await signedIn();
      fail();
      expect((await ada.get("/me")).status).toBe(503);
      restoreNetwork();
      expect(userIn(await ada.get("/me"))).toBe("ada");
    },
  );

  it("if Redis answers with the session of another user, the request gets a 503 and not that session", async () => {
    const { app, ada, bob } = await signedIn();
    const bobsHash = (JSON.parse((await bob.get("/me")).body) as { id: string }).id;
    const bobs = await redisCommand<string>("GET", `${app.namespace}:session:${bobsHash}`);
    expect(bobs).toContain(" bob");
    answerRequests(isRead, redisAnswer(bobs));
    const answer = await ada.get("/me");
    expect(answer.status).toBe(503);
    expect(answer.body).toContain("redis.corrupt");
    expect(answer.body).not.toContain("bob");
  });

  it("if Redis answers a sign-in with the revocation of another user, the sign-in does not begin", async () => {
    const { app } = await signedIn();
    answerRequests(isRead, redisAnswer("revocation-7 bob"));
    await expect(app.layer.sessions.beginSignIn("ada", createTestContext())).rejects.toThrow(
      SessionsUnavailable,
    );
  });

  it("a value in Redis that is no session is a 503, and no error of it contains the value", async () => {
    const { app, ada } = await signedIn();
    const { id } = JSON.parse((await ada.get("/me")).body) as { id: string };
    for (const value of ["the secret value", `${id} 1 9999999999999 ada;admin`, `${id} 1 ada`]) {
      await redisCommand("SET", `${app.namespace}:session:${id}`, value);
      const answer = await ada.get("/me");
      expect([answer.status, answer.body.includes("secret")]).toEqual([503, false]);
    }
  });

  it("after three failed reads of sessions the breaker refuses further ones without a request, and pages without a session go on", async () => {
    const { app, ada } = await signedIn();
    loseNetwork();
    for (let i = 0; i < 3; i++) expect((await ada.get("/me")).status).toBe(503);
    restoreNetwork();
    const sent: string[] = [];
    observeRequests((body) => sent.push(body));
    expect((await ada.get("/me")).status).toBe(503);
    expect(sent.filter(isRead)).toEqual([]);
    expect((await app.browser().get("/public")).status).toBe(200);
    app.clock.advance(2_000);
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });
});

describe("a change of sessions whose answer is lost", () => {
  it("a sign-out whose answer is lost is a 503 that keeps the cookie, and a second one finishes it", async () => {
    const { ada } = await signedIn();
    answerRequests(
      (body) => body.includes("ZREM"),
      () => new Response("", { status: 502 }),
    );
    expect((await ada.post("/sign-out")).status).toBe(503);
    expect(ada.cookie).not.toBe("");
    restoreNetwork();
    expect((await ada.post("/sign-out")).body).toBe("true");
    expect(userIn(await ada.get("/me"))).toBeUndefined();
  });
});

describe("the reference API while the sessions cannot be read", () => {
  it("GET /sessions/current and GET /users/:id with a session cookie get 503 with Retry-After, and GET /users/:id without one answers", async () => {
    const { send } = createClient({ STRATA_DEV: "1" });
    const signedIn = await send("/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ userId: 3 }),
    });
    const headers = { Cookie: signedIn.headers.get("Set-Cookie")?.split(";")[0] ?? "" };
    expect((await send("/users/3", { headers })).status).toBe(200);
    answerRequests(isRead, () => new Response("", { status: 500 }));
    for (const path of ["/sessions/current", "/users/3"]) {
      const response = await send(path, { headers });
      expect(Number(response.headers.get("Retry-After")), path).toBeGreaterThanOrEqual(1);
      expect(await problemOf(response), path).toMatchObject({
        status: 503,
        type: "urn:strata:problem:sessions-unavailable",
      });
    }
    expect((await send("/users/3")).status).toBe(200);
  });
});
