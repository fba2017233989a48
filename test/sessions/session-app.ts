/** A small application with sessions, and its browsers. */
import { cached, problem, type SignIn, type StrataOptions } from "../../src/index.ts";
import { createTestApp, type TestAnswer, type TestApp } from "../support/app.ts";
import { uniqueNamespace } from "../support/isolate.ts";

export interface SessionApp extends TestApp {
  readonly namespace: string;
  /** The sign-ins that `POST /finish/:user` completes, by user. */
  readonly signIns: Map<string, SignIn>;
  browser(): Browser;
}

/** A client that keeps its cookie. */
export interface Browser {
  /** The cookie that the browser sends. A test may set it. */
  cookie: string;
  /** The secret in the cookie. */
  secret(): string;
  get(path: string): Promise<TestAnswer>;
  post(path: string, headers?: Record<string, string>): Promise<TestAnswer>;
}

/** Isolates of one namespace share Redis. */
export function createSessionApp(
  options: StrataOptions = {},
  namespace = uniqueNamespace(),
): SessionApp {
  const signIns = new Map<string, SignIn>();
  const app = createTestApp(
    namespace,
    (routes, { sessions, rateLimits }) => {
      routes.post("/sign-in/:user", async (c) => {
        const session = await sessions.start(c, c.req.param("user"));
        return c.json(session);
      });
      routes.post("/finish/:user", async (c) => {
        const signIn = signIns.get(c.req.param("user"))!;
        return c.json((await sessions.start(c, signIn)) ?? null);
      });
      routes.post("/rotate", async (c) => c.json((await sessions.rotate(c)) ?? null));
      // Answers that Hono does not make: its fields of `c.header()` are not on them.
      routes.post("/raw/sign-in/:user", async (c) => {
        await sessions.start(c, c.req.param("user"));
        return new Response("hello", { headers: { "Set-Cookie": "theme=dark" } });
      });
      routes.post("/raw/sign-out", async (c) => {
        sessions.clearCookie(c);
        return problem({ status: 409, type: "test", title: "Test" });
      });
      routes.post("/fetched/sign-out", async (c) => {
        sessions.clearCookie(c);
        return Response.redirect("https://strata.test/", 303);
      });
      routes.post("/throw/sign-out", async (c) => {
        sessions.clearCookie(c);
        throw new Error("after the sign-out");
      });
      routes.post("/throw/rotate", async (c) => {
        await sessions.rotate(c);
        throw new Error("after the rotation");
      });
      routes.post("/throw/sign-in/:user", async (c) => {
        await sessions.start(c, c.req.param("user"));
        throw new Error("refused after the sign-in");
      });
      routes.get("/cached/sign-in", cached({ freshFor: "1h" }), async (c) => {
        await sessions.start(c, "ada");
        return new Response("hello");
      });
      routes.post("/sign-out", async (c) => c.json(await sessions.end(c)));
      routes.get("/me", async (c) => c.json((await sessions.current(c)) ?? null));
      routes.get("/me-twice", async (c) => {
        await sessions.current(c);
        return c.json((await sessions.current(c)) ?? null);
      });
      // The session is revoked between two reads of one request, as if its body came slowly.
      routes.get("/me-late", async (c) => {
        const session = await sessions.current(c);
        await sessions.revokeAll(session?.user ?? "", c.var.strata.ctx);
        app.clock.advance(150);
        return c.json((await sessions.current(c)) ?? null);
      });
      routes.get("/public", (c) => c.text("public"));
      // A middleware before the route knows the session, and the handler asks for it again.
      routes.use("/cached", async (c, next) => {
        await sessions.current(c);
        await next();
      });
      routes.get("/cached", cached({ freshFor: "1h" }), async (c) =>
        c.json((await sessions.current(c)) ?? null),
      );
      routes.use("/limited", rateLimits.rateLimit({ name: "own", user: "2/1h", sessions: true }));
      routes.get("/limited", (c) => c.text("ok"));
      routes.use("/unlimited", rateLimits.rateLimit({ name: "other", user: "2/1h" }));
      routes.get("/unlimited", (c) => c.text("ok"));
    },
    options,
  );

  return {
    ...app,
    namespace,
    signIns,
    browser() {
      const self: Browser = {
        cookie: "",
        secret: () => self.cookie.split("=")[1] ?? "",
        get: (path) => send("GET", path),
        post: (path, headers) => send("POST", path, headers),
      };
      async function send(
        method: string,
        path: string,
        headers: Record<string, string> = {},
      ): Promise<TestAnswer> {
        const all = { ...headers, ...(self.cookie !== "" && { Cookie: self.cookie }) };
        const answer = await app.send(new Request(app.url(path), { method, headers: all }));
        const set = answer.headers
          .getSetCookie()
          .map((field) => field.split(";")[0] ?? "")
          .find((pair) => pair.includes("session="));
        if (set !== undefined) self.cookie = set.endsWith("=") ? "" : set;
        return answer;
      }
      return self;
    },
  };
}

/** The user of an answer with a session; undefined without one. */
export function userIn({ status, body }: TestAnswer): string | undefined {
  if (status !== 200) throw new Error(`${status} ${body}`);
  return (JSON.parse(body) as { user?: string } | null)?.user;
}
