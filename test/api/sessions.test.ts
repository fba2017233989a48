import { afterEach, describe, expect, it } from "vitest";
import { Session, SessionList } from "../../src/api/operations/sessions.ts";
import type { VerifySignIn } from "../../src/api/services.ts";
import { createGate } from "../support/gate.ts";
import { restoreNetwork } from "../support/network.ts";
import { ADMIN, createClient, problemOf, type Client } from "./client.ts";

/** A client that signs in as an application without `npm run dev` would let it: with the admin token. */
function createSignedOut() {
  return createClient({ STRATA_DEV: "" });
}

const DEV = { STRATA_DEV: "1" };

/** A client of an application that checks sign-ins itself. */
const createVerified = (verifySignIn: VerifySignIn): Client =>
  createClient({ STRATA_DEV: "" }, [], verifySignIn);

const address = { "CF-Connecting-IP": "192.0.2.7" };

/** Sends JSON, or nothing. */
function ask(
  client: Client,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Response> {
  return client.send(path, {
    method,
    headers: {
      ...address,
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** The cookie that a response sets, as a browser sends it back. */
function cookieOf(response: Response): string {
  return response.headers.get("Set-Cookie")?.split(";")[0] ?? "";
}

async function signIn(client: Client, userId: number, cookie = ""): Promise<string> {
  const headers = { ...ADMIN, ...(cookie !== "" && { Cookie: cookie }) };
  const response = await ask(client, "POST", "/sessions", headers, { userId });
  expect(response.status).toBe(201);
  return cookieOf(response);
}

const current = (client: Client, cookie: string) =>
  ask(client, "GET", "/sessions/current", { Cookie: cookie });

describe("the routes of sessions", () => {
  it("POST /sessions answers 201 with the session and a __Host- cookie that is HttpOnly, Secure and SameSite=Lax", async () => {
    const client = createSignedOut();
    const response = await ask(client, "POST", "/sessions", ADMIN, { userId: 3 });
    expect(response.status).toBe(201);
    expect(Session.parse(await response.json()).userId).toBe(3);
    expect(response.headers.get("Set-Cookie")).toMatch(
      /^__Host-session=[\w-]{43}; Max-Age=86400; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
  });

  it("GET /sessions/current answers with the session of the cookie, and 401 without a cookie", async () => {
    const client = createSignedOut();
    const cookie = await signIn(client, 3);
    const response = await current(client, cookie);
    expect(response.status).toBe(200);
    expect(Session.parse(await response.json()).userId).toBe(3);
    const without = await ask(client, "GET", "/sessions/current");
    expect(without.headers.get("WWW-Authenticate")).toContain("Session");
    expect(await problemOf(without)).toMatchObject({
      status: 401,
      type: "urn:strata:problem:unauthorized",
    });
  });

  it("after DELETE /sessions/current the cookie opens nothing, and the response takes it from the client", async () => {
    const client = createSignedOut();
    const cookie = await signIn(client, 3);
    const ended = await ask(client, "DELETE", "/sessions/current", { Cookie: cookie });
    expect(ended.status).toBe(204);
    expect(ended.headers.get("Set-Cookie")).toContain("__Host-session=; Max-Age=0");
    expect((await current(client, cookie)).status).toBe(401);
    const again = await ask(client, "DELETE", "/sessions/current", { Cookie: cookie });
    expect(again.status).toBe(401);
    expect(again.headers.get("Set-Cookie")).toContain("__Host-session=; Max-Age=0");
  });

  it("GET /sessions lists the sessions of the user alone, and marks the one of the request", async () => {
    const client = createSignedOut();
    const first = await signIn(client, 3);
    await signIn(client, 3);
    await signIn(client, 4);
    const response = await ask(client, "GET", "/sessions", { Cookie: first });
    const list = SessionList.parse(await response.json());
    expect(list.total).toBe(2);
    expect(list.items.map((one) => [one.userId, one.current])).toEqual([
      [3, true],
      [3, false],
    ]);
    expect(response.headers.get("Cache-Control")).toBe("private, no-store");
  });

  it("DELETE /sessions ends all sessions of the user, and none of another user", async () => {
    const client = createSignedOut();
    const cookies = [await signIn(client, 3), await signIn(client, 3)];
    const other = await signIn(client, 4);
    const ended = await ask(client, "DELETE", "/sessions", { Cookie: cookies[0]! });
    expect(ended.status).toBe(204);
    for (const cookie of cookies) expect((await current(client, cookie)).status).toBe(401);
    expect((await current(client, other)).status).toBe(200);
  });

  it("DELETE /sessions/:id ends one session of the user, and answers 404 for a session of another user", async () => {
    const client = createSignedOut();
    const [mine, second, other] = [
      await signIn(client, 3),
      await signIn(client, 3),
      await signIn(client, 4),
    ];
    const idOf = async (cookie: string) =>
      Session.parse(await (await current(client, cookie)).json()).id;
    const path = `/sessions/${await idOf(second)}`;
    expect((await ask(client, "DELETE", path, { Cookie: mine })).status).toBe(204);
    expect((await current(client, second)).status).toBe(401);
    const foreign = `/sessions/${await idOf(other)}`;
    expect((await ask(client, "DELETE", foreign, { Cookie: mine })).status).toBe(404);
    expect((await current(client, other)).status).toBe(200);
    const malformed = await ask(client, "DELETE", "/sessions/x", { Cookie: mine });
    expect((await problemOf(malformed)).errors?.[0]?.field).toBe("id");
  });

  it("POST /sessions answers 404 for a user that does not exist, and 400 for a malformed body, without a cookie", async () => {
    const client = createSignedOut();
    for (const [body, status] of [
      [{ userId: 2_000_000_000 }, 404],
      [{ userId: "3" }, 400],
      [{ userId: 0 }, 400],
      [{}, 400],
      [{ userId: 3, id: "chosen" }, 400],
    ] as const) {
      const response = await ask(client, "POST", "/sessions", ADMIN, body);
      expect(response.status, JSON.stringify(body)).toBe(status);
      expect(response.headers.get("Set-Cookie")).toBeNull();
    }
  });
});

describe("who may sign in", () => {
  it("POST /sessions answers 401 without the admin token outside npm run dev, and 201 under npm run dev", async () => {
    const closed = await ask(createSignedOut(), "POST", "/sessions", {}, { userId: 3 });
    expect((await problemOf(closed)).status).toBe(401);
    const open = await ask(createClient(DEV), "POST", "/sessions", {}, { userId: 3 });
    expect(open.status).toBe(201);
  });

  it("with `verifySignIn`, POST /sessions lets in whom it accepts, and the admin token does not count", async () => {
    const client = createVerified(async (c, userId) => c.req.header("X-Proof") === `of ${userId}`);
    const proof = { "X-Proof": "of 3" };
    expect((await ask(client, "POST", "/sessions", proof, { userId: 3 })).status).toBe(201);
    for (const headers of [{}, { "X-Proof": "of 4" }, ADMIN]) {
      const refused = await ask(client, "POST", "/sessions", headers, { userId: 3 });
      expect(refused.headers.get("Set-Cookie")).toBeNull();
      expect(await problemOf(refused)).toMatchObject({
        status: 401,
        type: "urn:strata:problem:sign-in-refused",
      });
    }
  });

  it("a sign-in whose check of credentials is overtaken by a revocation of all sessions of the user gets 401 and no cookie", async () => {
    const gate = createGate();
    let waits = false;
    const client = createVerified(async () => {
      if (waits) await gate.pass();
      return true;
    });
    const cookie = await signIn(client, 3);
    waits = true;
    const slow = ask(client, "POST", "/sessions", {}, { userId: 3 });
    await gate.reached;
    const revoked = await ask(client, "DELETE", "/sessions", { Cookie: cookie });
    expect(revoked.status).toBe(204);
    gate.open();
    const late = await slow;
    expect([late.status, late.headers.get("Set-Cookie")]).toEqual([401, null]);
  });
});

describe("the proxy beside sessions", () => {
  afterEach(restoreNetwork);

  it("an origin behind /origin gets the cookies of the client without the session cookie", async () => {
    const client = createClient({ ...DEV, ORIGIN_URL: "http://origin.example" });
    const cookie = await signIn(client, 3);
    const realFetch = globalThis.fetch;
    const received: (string | null)[] = [];
    globalThis.fetch = async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.startsWith("http://origin.example")) return realFetch(input, init);
      received.push(new Headers(init?.headers).get("Cookie"));
      return new Response("from the origin");
    };
    for (const field of [cookie, `a=b; ${cookie}; c=d`, "a=b"])
      expect((await ask(client, "POST", "/origin/page", { Cookie: field })).status).toBe(200);
    expect(received).toEqual([null, "a=b; c=d", "a=b"]);
  });
});

describe("requests that a page of another site sends", () => {
  it.each([
    ["POST", "/sessions"],
    ["DELETE", "/sessions"],
    ["DELETE", "/sessions/current"],
    ["DELETE", `/sessions/${"0".repeat(64)}`],
  ])("%s %s from a page of another site gets 403 and changes nothing", async (method, path) => {
    const client = createClient(DEV);
    const cookie = await signIn(client, 3);
    for (const foreign of [
      { "Sec-Fetch-Site": "cross-site" },
      { Origin: "https://evil.example" },
    ]) {
      const body = method === "POST" ? { userId: 4 } : undefined;
      const headers = { ...foreign, Cookie: cookie };
      const response = await ask(client, method, path, headers, body);
      expect(response.headers.get("Set-Cookie")).toBeNull();
      expect(await problemOf(response)).toMatchObject({
        status: 403,
        type: "urn:strata:problem:cross-site-request",
      });
    }
    expect((await current(client, cookie)).status).toBe(200);
  });
});

describe("a user's own profile", () => {
  it("GET /users/:id has email and age for the user's own session, and never for the session of another user", async () => {
    const client = createSignedOut();
    const cookie = await signIn(client, 3);
    const own = await ask(client, "GET", "/users/3", { Cookie: cookie });
    expect(await own.json()).toMatchObject({ id: 3, email: expect.stringContaining("@") });
    expect(own.headers.get("Cache-Control")).toBe("private, no-store");
    expect(own.headers.get("Vary")).toBe("Authorization, Cookie");
    for (const headers of [{ Cookie: await signIn(client, 4) }, {}]) {
      const other = await ask(client, "GET", "/users/3", headers);
      expect(other.headers.get("X-Cache-Status")).toBe("HIT");
      expect(Object.keys(await other.json<object>())).toEqual(["id", "name", "city", "createdAt"]);
    }
  });

  it("after DELETE /sessions/current, GET /users/:id has only the public fields", async () => {
    const client = createSignedOut();
    const cookie = await signIn(client, 3);
    await ask(client, "DELETE", "/sessions/current", { Cookie: cookie });
    const response = await ask(client, "GET", "/users/3", { Cookie: cookie });
    expect(await response.text()).not.toContain("@");
  });
});
