/** A small application with sessions, and its browsers. */
import type { Hono } from "hono";
import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { createDataLayer } from "../../src/compose/data-layer.ts";
import { durableLedger, durableSessions, type BreakerOptions } from "../../src/entries/durable.ts";
import {
  middleware,
  rateLimits as dataRateLimits,
  sessions as dataSessions,
} from "../../src/entries/hono.ts";
import {
  cached,
  problem,
  type RateLimits,
  type Sessions,
  type SignIn,
  type StrataEnv,
  type StrataOptions,
} from "../../src/index.ts";
import { keepAlive } from "../../src/keep-alive.ts";
import { createHonoApp, createTestApp, type TestAnswer, type TestApp } from "../support/app.ts";
import { createTestClock, uniqueNamespace } from "../support/isolate.ts";

/** An application whose sessions are in Redis or in Durable Objects. */
export interface AnySessionApp extends Omit<TestApp, "layer"> {
  readonly namespace: string;
  readonly sessions: Sessions<StrataEnv>;
  /** The sign-ins that `POST /finish/:user` completes, by user. */
  readonly signIns: Map<string, SignIn>;
  browser(): Browser;
}

/** An application whose sessions are in Redis. */
export interface SessionApp extends AnySessionApp, Pick<TestApp, "layer"> {}

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
    (routes, { sessions, rateLimits }) =>
      addRoutes(routes, { sessions, rateLimits, signIns, advance: (ms) => app.clock.advance(ms) }),
    options,
  );
  const { sessions } = app.layer;
  return { ...app, namespace, signIns, sessions, browser: () => createBrowser(app) };
}

/** The same application on the data cache, with sessions in this many Durable Objects. Isolates of one namespace share them. */
export const inObjects =
  (
    shards: number,
    objects: DurableObjectNamespace = env.SESSIONS,
    breaker: BreakerOptions = {},
  ): CreateSessionApp =>
  ({ sessions: { maxPerUser = 20 } = {} } = {}, namespace = uniqueNamespace()) => {
    const signIns = new Map<string, SignIn>();
    const clock = createTestClock();
    const platform = {
      now: clock.now,
      random: () => 0,
      newId: () => crypto.randomUUID(),
      sleep: clock.sleep,
    };
    const strata = createDataLayer({ namespace }, platform, keepAlive);
    const sessions = dataSessions(strata, {
      store: durableSessions(objects, { shards, breaker }),
      maxPerUser,
    });
    const rateLimits = dataRateLimits(strata, {
      ledger: durableLedger(env.LEDGER, { timeout: "10s" }),
      async sessionUser(c) {
        const session = await sessions.current(c);
        return session && { id: `session:${session.user}` };
      },
    });
    const app = createHonoApp(namespace, (routes) => {
      routes.use(middleware(strata, routes));
      addRoutes(routes, { sessions, rateLimits, signIns, advance: clock.advance });
    });
    return { ...app, clock, namespace, signIns, sessions, browser: () => createBrowser(app) };
  };

/** Creates an application with sessions. */
export type CreateSessionApp = (
  options?: { readonly sessions?: { readonly maxPerUser?: number } },
  namespace?: string,
) => AnySessionApp;

const ALL_STORES: readonly (readonly [name: string, create: CreateSessionApp])[] = [
  ["Redis", createSessionApp],
  ["a Durable Object", inObjects(1)],
  ["three Durable Objects", inObjects(3)],
];

/** On a real Redis server, the tests run with Redis alone: the others need no Redis, and run beside the embedded one. */
export const STORES = inject("realRedis") ? ALL_STORES.slice(0, 1) : ALL_STORES;

interface RouteParts {
  readonly sessions: Sessions<StrataEnv>;
  readonly rateLimits: RateLimits<StrataEnv>;
  readonly signIns: ReadonlyMap<string, SignIn>;
  readonly advance: (ms: number) => void;
}

function addRoutes(
  routes: Hono<StrataEnv>,
  { sessions, rateLimits, signIns, advance }: RouteParts,
): void {
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
    advance(150);
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
}

function createBrowser(app: Pick<TestApp, "send" | "url">): Browser {
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
}

/** The user of an answer with a session; undefined without one. */
export function userIn({ status, body }: TestAnswer): string | undefined {
  if (status !== 200) throw new Error(`${status} ${body}`);
  return (JSON.parse(body) as { user?: string } | null)?.user;
}
