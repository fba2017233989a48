import { describe, expect, it } from "vitest";
import { cached, key, type CachedOptions } from "../../../../src/index.ts";
import { uniqueNamespace } from "../../../support/isolate.ts";
import { createCarelessApp, type CarelessRoutes } from "./careless-app.ts";

const STALE = { freshFor: "10s", staleWhileRevalidate: "1h", jitter: 0 } as const;
const SLOWLY = 11_000;

/** Fills a route, lets it become stale, and reads it twice with a client's fields. */
async function refreshed(
  routes: CarelessRoutes,
  request: () => Request,
): Promise<readonly (string | null)[]> {
  const { send, clock } = createCarelessApp(routes);
  await send(request());
  clock.advance(SLOWLY);
  const stale = await send(request());
  const fresh = await send(request());
  return [stale.headers.get("X-Cache-Status"), fresh.headers.get("X-Cache-Status"), fresh.body];
}

const requestWith =
  (headers: Record<string, string>, cf?: object, method = "GET") =>
  () =>
    new Request("http://x.test/", { method, headers, ...(cf && { cf }) } as RequestInit);

describe("the background refresh of a cached route", () => {
  it.each<[string, NonNullable<CachedOptions["key"]>, () => Request]>([
    ["a cookie", { cookies: ["theme"] }, requestWith({ Cookie: "theme=dark; sid=ada" })],
    ["Authorization", { headers: ["Authorization"] }, requestWith({ Authorization: "ada" })],
    ["the country", { cf: ["country"] }, requestWith({}, { country: "AT" })],
    ["a variable", { variables: ["user"] }, requestWith({ Cookie: "sid=ada" })],
    [
      "a cookie that a function reads",
      (c) => key("page", /sid=(\w+)/.exec(c.req.header("Cookie") ?? "")?.[1] ?? "none"),
      requestWith({ Cookie: "sid=ada" }),
    ],
    ["Range", { headers: ["Range"] }, requestWith({ Range: "bytes=0-0" })],
  ])(
    "a background refresh replaces the stale response of a cached route if the key contains %s",
    async (_, keyRules, request) => {
      let calls = 0;
      const routes: CarelessRoutes = (app) =>
        app.get("/", cached({ ...STALE, key: keyRules }), (c) => c.text(String(++calls)));
      expect(await refreshed(routes, request)).toEqual(["STALE", "HIT", "2"]);
    },
  );

  it.each<[string, CarelessRoutes, () => Request]>([
    [
      "Authorization",
      (app) =>
        app.use(async (c, next) =>
          c.req.header("Authorization") === "ada" ? next() : c.text("no", 401),
        ),
      requestWith({ Authorization: "ada" }),
    ],
    [
      "a session cookie",
      (app) => app.use(async (c, next) => (c.get("user") === "ada" ? next() : c.text("no", 401))),
      requestWith({ Cookie: "sid=ada" }),
    ],
    [
      "the country",
      (app) =>
        app.use(async (c, next) =>
          c.req.raw.cf?.["country"] === "AT" ? next() : c.text("no", 451),
        ),
      requestWith({}, { country: "AT" }),
    ],
  ])(
    "a background refresh passes an access check before cached() that asks for %s",
    async (_, guard, request) => {
      let calls = 0;
      const routes: CarelessRoutes = (app) => {
        guard(app);
        app.get("/", cached(STALE), (c) => c.text(String(++calls)));
      };
      expect(await refreshed(routes, request)).toEqual(["STALE", "HIT", "2"]);
    },
  );

  it("the handler of a background refresh does not see Cookie, Authorization and request.cf of the client", async () => {
    const seen: unknown[] = [];
    const routes: CarelessRoutes = (app) =>
      app.get("/", cached(STALE), (c) => {
        seen.push([
          c.req.header("Cookie"),
          c.req.header("Authorization"),
          c.req.method,
          c.req.raw.cf,
        ]);
        return c.text("page");
      });
    const { send, clock } = createCarelessApp(routes);
    const request = requestWith({ Cookie: "sid=ada", Authorization: "ada" }, { country: "AT" });
    await send(request());
    clock.advance(SLOWLY);
    await send(request());
    expect(seen).toEqual([1, 2].map(() => [undefined, undefined, "GET", undefined]));
  });

  it("a HEAD request for a stale response of a cached route causes a background refresh with the method GET", async () => {
    const methods: string[] = [];
    const routes: CarelessRoutes = (app) => {
      app.use(async (c, next) => {
        methods.push(c.req.method);
        await next();
      });
      app.get("/", cached(STALE), (c) => c.text("page"));
    };
    const { send, clock } = createCarelessApp(routes);
    await send(requestWith({})());
    clock.advance(SLOWLY);
    await send(requestWith({}, undefined, "HEAD")());
    expect(methods).toEqual(["GET", "HEAD", "GET"]);
  });

  it.each<[string, (c: { get(name: "user"): string | undefined }) => HeadersInit]>([
    ["says private", () => ({ "Cache-Control": "private" })],
    ["says no-store", () => ({ "Cache-Control": "no-store" })],
    ["sets a cookie", () => ({ "Set-Cookie": "sid=1" })],
    ["reads the user", (c) => ({ "X-User": String(c.get("user")) })],
  ])(
    "a cached route stops serving the stale response in every isolate after a background refresh that %s",
    async (_, headersOf) => {
      let personal = false;
      const routes: CarelessRoutes = (app) =>
        app.get("/", cached({ ...STALE, staleIfError: "1h" }), (c) => {
          const headers = personal ? headersOf(c) : {};
          return new Response(personal ? "personal" : "public", { headers });
        });
      const namespace = uniqueNamespace();
      const here = createCarelessApp(routes, namespace);
      const there = createCarelessApp(routes, namespace);
      const request = () => new Request(`http://${namespace}.test/`);
      await here.send(request());
      await there.send(request());
      personal = true;
      for (const { clock } of [here, there]) clock.advance(SLOWLY);
      expect((await here.send(request())).body).toBe("public");
      // The coherence window passes, so that the other isolate knows too.
      for (const { clock } of [here, there]) clock.advance(1_001);
      expect((await here.send(request())).body).toBe("personal");
      expect((await there.send(request())).body).toBe("personal");
    },
  );

  it("after a response with Cache-Control: private, a cached route no longer serves the older stale response when the handler fails", async () => {
    let mode: "public" | "personal" | "failing" = "public";
    const routes: CarelessRoutes = (app) =>
      app.get("/", cached({ freshFor: "10s", staleIfError: "1h", jitter: 0 }), (c) => {
        if (mode === "failing") throw new Error("away");
        return c.text(mode, 200, mode === "personal" ? { "Cache-Control": "private" } : {});
      });
    const { get, clock } = createCarelessApp(routes);
    await get("/");
    clock.advance(SLOWLY);
    mode = "personal";
    expect((await get("/")).body).toBe("personal");
    mode = "failing";
    expect((await get("/")).status).toBe(503);
  });

  it("a background refresh whose handler returns 400 or 429 does not replace the stale response of a cached route", async () => {
    let status: 200 | 400 | 429 = 200;
    const routes: CarelessRoutes = (app) =>
      app.get("/", cached(STALE), (c) => c.text(String(status), status));
    const { get, clock } = createCarelessApp(routes);
    await get("/");
    clock.advance(SLOWLY);
    for (status of [400, 429] as const) expect((await get("/")).body).toBe("200");
  });
});
