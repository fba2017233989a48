import { getCookie } from "hono/cookie";
import { describe, expect, it } from "vitest";
import { cached, key, type CachedOptions } from "../../../../src/index.ts";
import { createCarelessApp, type CarelessRoutes } from "./careless-app.ts";

type KeyFunction = Extract<CachedOptions["key"], (...args: never) => unknown>;

const keyed = (keyOf: KeyFunction) => cached({ freshFor: "1h", key: keyOf });

/** A route whose handler writes all that a function returns. */
function reflecting(path: string, keyOf: KeyFunction, see: (c: SeenContext) => unknown) {
  const routes: CarelessRoutes = (app) =>
    app.get(path, keyed(keyOf), (c) => c.text(JSON.stringify(see(c as unknown as SeenContext))));
  return createCarelessApp(routes);
}

type SeenContext = Parameters<KeyFunction>[0];

describe("a cached route whose key is made by a function", () => {
  it("the handler of a cached route sees only the request field that the key function read", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.header("X-Plan") ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User"), c.req.header("Cookie")],
    );
    const headers = { "X-Plan": "pro", "X-User": "ada", Cookie: "sid=ada" };
    expect((await get("/", headers)).body).toBe('["pro",null,null]');
    expect((await get("/", headers)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler of a cached route sees only the request field that the key function used from the list of all request fields", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.header()["x-plan"] ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User")],
    );
    expect((await get("/", { "X-Plan": "pro", "X-User": "ada" })).body).toBe('["pro",null]');
  });

  it("the handler of a cached route sees only the request field that the key function read from a copy of the request fields", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", new Headers(c.req.raw.headers).get("X-Plan") ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User")],
    );
    const headers = { "X-Plan": "pro", "X-User": "ada" };
    expect((await get("/", headers)).body).toBe('["pro",null]');
    expect((await get("/", headers)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler of a cached route sees the cookie that the key function read, and does not see the session cookie of the same request", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", getCookie(c, "theme") ?? "none"),
      (c) => [getCookie(c, "theme"), getCookie(c, "sid")],
    );
    expect((await get("/", { Cookie: "sid=ada; theme=dark" })).body).toBe('["dark",null]');
    expect((await get("/", { Cookie: "sid=bob; theme=dark" })).body).toBe('["dark",null]');
  });

  it("if the key function tests only whether the session cookie exists, a page that contains the cookie is not served to another user", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("home", getCookie(c, "sid") === undefined ? "out" : "in"),
      (c) => getCookie(c, "sid"),
    );
    const first = await get("/", { Cookie: "sid=ada" });
    expect(first.body).toBe('"ada"');
    expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-cookie");
    expect((await get("/", { Cookie: "sid=bob" })).body).toBe('"bob"');
  });

  it("if the key function tests only whether Authorization exists, a page that contains its value is not served to another client", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("home", c.req.header("Authorization") === undefined ? "out" : "in"),
      (c) => c.req.header("Authorization"),
    );
    await get("/", { Authorization: "ada" });
    expect((await get("/", { Authorization: "bob" })).body).toBe('"bob"');
  });

  it("if the key function tests only whether the session cookie exists, users share a page whose handler does not read the cookie", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("home", getCookie(c, "sid") === undefined ? "out" : "in"),
      () => "welcome back",
    );
    await get("/", { Cookie: "sid=ada" });
    expect((await get("/", { Cookie: "sid=bob" })).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler of a cached route sees no query parameter that the key function did not read", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.query("page") ?? "1"),
      (c) => [c.req.query("page"), c.req.queries("page"), c.req.query("utm"), c.req.url],
    );
    const { body } = await get("/?page=2&utm=evil&page=evil");
    expect(body).toBe('["2",["2"],null,"https://unkeyed.invalid/?page=2"]');
  });

  it("if the key function reads only a query parameter from the URL, the handler sees the host unkeyed.invalid in place of the real host", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", new URL(c.req.url).searchParams.get("page") ?? "1"),
      (c) => c.req.url,
    );
    expect((await get("/?page=2&utm=evil")).body).toBe('"https://unkeyed.invalid/?page=2"');
  });

  it("the handler of a cached route sees the host of the request if the key function reads the host", async () => {
    const { send } = reflecting(
      "/",
      (c) => key("page", new URL(c.req.url).host),
      (c) => new URL(c.req.url).host,
    );
    const answers = [];
    for (const host of ["a.test", "b.test", "a.test"])
      answers.push((await send(new Request(`http://${host}/`))).body);
    expect(answers).toEqual(['"a.test"', '"b.test"', '"a.test"']);
  });

  it("a request for another path gets a response of its own if the handler reads a path parameter that the key function did not read", async () => {
    const { get } = reflecting(
      "/:lang/about",
      () => key("about", "page"),
      (c) => c.req.param("lang"),
    );
    const first = await get("/de/about");
    expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-lang");
    expect((await get("/fr/about")).body).toBe('"fr"');
  });

  it("a request for another path gets a response of its own if the handler reads c.req.path and the key function does not", async () => {
    const { get } = reflecting(
      "/docs/*",
      () => key("docs", "page"),
      (c) => c.req.path,
    );
    await get("/docs/a");
    expect((await get("/docs/b")).body).toBe('"/docs/b"');
  });

  it("the URL that the handler of a cached route sees does not contain the path if the key function did not read the path", async () => {
    const { get } = reflecting(
      "/docs/:page",
      () => key("docs", "page"),
      (c) => new URL(c.req.url).pathname,
    );
    await get("/docs/a");
    expect((await get("/docs/b")).body).not.toContain("/docs/a");
  });

  it("the handler of a cached route sees a path parameter that the key function read, and the response is stored", async () => {
    const { get } = reflecting(
      "/:lang/about",
      (c) => key("about", c.req.param("lang") ?? ""),
      (c) => [c.req.param("lang"), c.req.path, new URL(c.req.url).pathname],
    );
    expect((await get("/de/about")).body).toBe('["de","/de/about","/de/about"]');
    expect((await get("/de/about")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler of a cached route sees only the member of request.cf that the key function read", async () => {
    const { send } = reflecting(
      "/",
      (c) => key("page", String(c.req.raw.cf?.["country"])),
      (c) => [c.req.raw.cf?.["country"], c.req.raw.cf?.["colo"]],
    );
    const cf = { country: "AT", colo: "VIE" };
    const { body } = await send(new Request("http://x.test/", { cf }));
    expect(body).toBe('["AT",null]');
  });

  it("a response is stored if the handler reads the variable that the key function read, and private if the handler reads another variable", async () => {
    const { get } = createCarelessApp((app) => {
      const user = (c: SeenContext) => (c.var as unknown as { user: string }).user;
      app.get(
        "/one",
        keyed((c) => key("one", user(c))),
        (c) => c.text(c.get("user") ?? ""),
      );
      app.get(
        "/two",
        keyed((c) => key("two", user(c))),
        (c) => c.text(c.get("tenant")),
      );
    });
    expect((await get("/one", { Cookie: "sid=ada" })).body).toBe("ada");
    expect((await get("/one", { Cookie: "sid=ada" })).headers.get("X-Cache-Status")).toBe("HIT");
    const two = await get("/two", { Cookie: "sid=ada" });
    expect(two.headers.get("Cache-Status")).toContain("detail=unkeyed-tenant");
  });

  it.each<[string, (account: { id: string; name: string } | undefined) => string]>([
    ["whether there is a user", (account) => (account === undefined ? "out" : "in")],
    ["one member of the user", (account) => String(account?.id.length)],
  ])(
    "if the key depends only on %s, a page that contains the user's name is not served to another user",
    async (_, part) => {
      const { get } = createCarelessApp((app) => {
        const keyOf: KeyFunction = (c) =>
          key("home", part((c.var as unknown as { account: undefined }).account));
        app.get("/", keyed(keyOf), (c) => c.text(c.get("account")?.name ?? "nobody"));
      });
      const first = await get("/", { Cookie: "sid=ada" });
      expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-account");
      expect((await get("/", { Cookie: "sid=bob" })).body).toBe("name of bob");
    },
  );

  it("if the key depends only on whether the variable `user` is set, a page that contains the variable is not served to another user", async () => {
    const { get } = createCarelessApp((app) => {
      const keyOf: KeyFunction = (c) =>
        key("home", (c.var as unknown as { user?: string }).user === undefined ? "out" : "in");
      app.get("/", keyed(keyOf), (c) => c.text(c.get("user") ?? "nobody"));
    });
    await get("/", { Cookie: "sid=ada" });
    expect((await get("/", { Cookie: "sid=bob" })).body).toBe("bob");
  });

  it("a response is stored if the handler and the key function read the same member of a variable, and no other member", async () => {
    const { get } = createCarelessApp((app) => {
      const keyOf: KeyFunction = (c) =>
        key("home", (c.var as unknown as { account: { id: string } }).account.id);
      app.get("/", keyed(keyOf), (c) => c.text(c.get("account")?.id ?? "nobody"));
    });
    expect((await get("/", { Cookie: "sid=ada" })).body).toBe("ada");
    expect((await get("/", { Cookie: "sid=ada" })).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a request for another path gets a response of its own if the key contains the type, but not the value, of a path parameter", async () => {
    const { get } = reflecting(
      "/:lang/about",
      (c) => key("about", typeof c.req.param("lang")),
      (c) => c.req.param("lang"),
    );
    await get("/de/about");
    expect((await get("/fr/about")).body).toBe('"fr"');
  });

  it("Cache-Status has the detail `unkeyed-key` if the key function of a cached route returns a different key at each call", async () => {
    let calls = 0;
    const { get } = reflecting(
      "/",
      () => key("page", ++calls % 2),
      () => "page",
    );
    const { headers } = await get("/");
    expect(headers.get("Cache-Status")).toContain("detail=unkeyed-key");
  });

  it("a response is stored although its request has 1,000 query parameters that the key function does not read", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.query("page") ?? "1"),
      (c) => c.req.url,
    );
    const junk = Array.from({ length: 500 }, (_, i) => `x${i}=${i}`).join("&");
    expect((await get(`/?${junk}&page=2&${junk}`)).body).toBe('"https://unkeyed.invalid/?page=2"');
    expect((await get("/?page=2")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a request whose key depends on 200 query parameters gets the detail `unkeyed-key`, and the response to the next request is stored", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", Object.keys(c.req.query()).length),
      () => "page",
    );
    const many = Array.from({ length: 200 }, (_, i) => `x${i}=${i}`).join("&");
    const { headers } = await get(`/?${many}`);
    expect(headers.get("Cache-Status")).toContain("detail=unkeyed-key");
    expect((await get("/")).headers.get("Cache-Status")).toContain("; stored");
  });

  it("a cached route calls the key function exactly once for a hit", async () => {
    let calls = 0;
    const { get } = reflecting(
      "/",
      () => {
        calls++;
        return key("page", "one");
      },
      () => "page",
    );
    await get("/");
    const before = calls;
    await get("/");
    expect(calls - before).toBe(1);
  });
});
