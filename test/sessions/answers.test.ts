/** The session cookie on every kind of answer. */
import { describe, expect, it } from "vitest";
import { createTestContext } from "../support/context.ts";
import { createSessionApp, userIn } from "./session-app.ts";

/** An application, and a browser that is signed in as ada. */
async function signedIn() {
  const app = createSessionApp();
  const ada = app.browser();
  await ada.post("/sign-in/ada");
  return { app, ada };
}

describe("the session cookie on an answer", () => {
  it("a handler that starts a session and returns a Response of its own gives the client the cookie, and the other cookies of the Response stay", async () => {
    const ada = createSessionApp().browser();
    const answer = await ada.post("/raw/sign-in/ada");
    expect(answer.headers.getSetCookie()).toEqual([
      "theme=dark",
      expect.stringMatching(/^__Host-session=[\w-]{43};/),
    ]);
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });

  it.each([
    ["a problem that the handler returns", "/raw/sign-out", 409],
    ["a redirect whose fields are immutable", "/fetched/sign-out", 303],
    ["an error that the handler throws", "/throw/sign-out", 503],
  ])("%s takes the cookie from the client after clearCookie", async (_, path, status) => {
    const { ada } = await signedIn();
    const answer = await ada.post(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-session=; Max-Age=0;/),
    ]);
    expect(ada.cookie).toBe("");
  });

  it("a handler that throws after it has rotated a session gives the client the new id, because the old one opens nothing", async () => {
    const { ada } = await signedIn();
    const before = ada.cookie;
    expect((await ada.post("/throw/rotate")).status).toBe(503);
    expect(ada.cookie).not.toBe(before);
    expect(userIn(await ada.get("/me"))).toBe("ada");
  });

  it("a handler that throws after it has started a session gives the client no cookie, and the session ends", async () => {
    const app = createSessionApp();
    const ada = app.browser();
    const answer = await ada.post("/throw/sign-in/ada");
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
    expect(await app.layer.sessions.list("ada", createTestContext())).toEqual([]);
  });

  it("a cached route whose handler starts a session and returns a Response of its own stores nothing", async () => {
    const app = createSessionApp();
    for (const browser of [app.browser(), app.browser()]) {
      const answer = await browser.get("/cached/sign-in");
      expect(answer.headers.get("X-Cache-Status")).not.toBe("HIT");
      expect(answer.headers.get("Cache-Control")).toContain("private");
      expect(userIn(await browser.get("/me"))).toBe("ada");
    }
  });

  it("a sign-out with the cookie of a session that has ended takes the cookie from the client, and one that another site sends does not", async () => {
    const { app, ada } = await signedIn();
    await app.layer.sessions.revokeAll("ada", createTestContext());
    const foreign = await ada.post("/sign-out", { "Sec-Fetch-Site": "cross-site" });
    expect(foreign.headers.getSetCookie()).toEqual([]);
    expect((await ada.post("/sign-out")).body).toBe("false");
    expect(ada.cookie).toBe("");
  });
});
