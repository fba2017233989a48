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
  it("the handler sees only the request field that the key function read", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.header("X-Plan") ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User"), c.req.header("Cookie")],
    );
    const headers = { "X-Plan": "pro", "X-User": "ada", Cookie: "sid=ada" };
    expect((await get("/", headers)).body).toBe('["pro",null,null]');
    expect((await get("/", headers)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler sees only the request field that the key function used from the list of all fields", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.header()["x-plan"] ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User")],
    );
    expect((await get("/", { "X-Plan": "pro", "X-User": "ada" })).body).toBe('["pro",null]');
  });

  it("the handler sees only the request field that the key function read from a copy of the request fields", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", new Headers(c.req.raw.headers).get("X-Plan") ?? "none"),
      (c) => [c.req.header("X-Plan"), c.req.header("X-User")],
    );
    const headers = { "X-Plan": "pro", "X-User": "ada" };
    expect((await get("/", headers)).body).toBe('["pro",null]');
    expect((await get("/", headers)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler sees the cookie in the key, and not the session beside it", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", getCookie(c, "theme") ?? "none"),
      (c) => [getCookie(c, "theme"), getCookie(c, "sid")],
    );
    expect((await get("/", { Cookie: "sid=ada; theme=dark" })).body).toBe('["dark",null]');
    expect((await get("/", { Cookie: "sid=bob; theme=dark" })).body).toBe('["dark",null]');
  });

  it("a key that tells only whether there is a session never shares a page of the session", async () => {
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

  it("a key that tells only whether there is Authorization never shares a page of one credential", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("home", c.req.header("Authorization") === undefined ? "out" : "in"),
      (c) => c.req.header("Authorization"),
    );
    await get("/", { Authorization: "ada" });
    expect((await get("/", { Authorization: "bob" })).body).toBe('"bob"');
  });

  it("a key that tells only whether there is a session shares a page that does not read it", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("home", getCookie(c, "sid") === undefined ? "out" : "in"),
      () => "welcome back",
    );
    await get("/", { Cookie: "sid=ada" });
    expect((await get("/", { Cookie: "sid=bob" })).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler sees no parameter that is not in the key", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.query("page") ?? "1"),
      (c) => [c.req.query("page"), c.req.queries("page"), c.req.query("utm"), c.req.url],
    );
    const { body } = await get("/?page=2&utm=evil&page=evil");
    expect(body).toBe('["2",["2"],null,"https://unkeyed.invalid/?page=2"]');
  });

  it("the handler does not see a host outside the key, although the key function read a query parameter of the URL", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", new URL(c.req.url).searchParams.get("page") ?? "1"),
      (c) => c.req.url,
    );
    expect((await get("/?page=2&utm=evil")).body).toBe('"https://unkeyed.invalid/?page=2"');
  });

  it("the handler sees a host that is in the key", async () => {
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

  it("a part of the path that the function did not read makes the answer private", async () => {
    const { get } = reflecting(
      "/:lang/about",
      () => key("about", "page"),
      (c) => c.req.param("lang"),
    );
    const first = await get("/de/about");
    expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-lang");
    expect((await get("/fr/about")).body).toBe('"fr"');
  });

  it("a handler that reads the path makes the response private if the key function did not read the path", async () => {
    const { get } = reflecting(
      "/docs/*",
      () => key("docs", "page"),
      (c) => c.req.path,
    );
    await get("/docs/a");
    expect((await get("/docs/b")).body).toBe('"/docs/b"');
  });

  it("the URL that the handler sees has no path if the key function did not read the path", async () => {
    const { get } = reflecting(
      "/docs/:page",
      () => key("docs", "page"),
      (c) => new URL(c.req.url).pathname,
    );
    await get("/docs/a");
    expect((await get("/docs/b")).body).not.toContain("/docs/a");
  });

  it("a part of the path that the function read may be read", async () => {
    const { get } = reflecting(
      "/:lang/about",
      (c) => key("about", c.req.param("lang") ?? ""),
      (c) => [c.req.param("lang"), c.req.path, new URL(c.req.url).pathname],
    );
    expect((await get("/de/about")).body).toBe('["de","/de/about","/de/about"]');
    expect((await get("/de/about")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler sees only the member of request.cf that the key function read", async () => {
    const { send } = reflecting(
      "/",
      (c) => key("page", String(c.req.raw.cf?.["country"])),
      (c) => [c.req.raw.cf?.["country"], c.req.raw.cf?.["colo"]],
    );
    const cf = { country: "AT", colo: "VIE" };
    const { body } = await send(new Request("http://x.test/", { cf }));
    expect(body).toBe('["AT",null]');
  });

  it("a handler may read the variable that the key function read, and the read of another variable makes the response private", async () => {
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
  ])("a key that tells only %s never shares a page with the rest of the user", async (_, part) => {
    const { get } = createCarelessApp((app) => {
      const keyOf: KeyFunction = (c) =>
        key("home", part((c.var as unknown as { account: undefined }).account));
      app.get("/", keyed(keyOf), (c) => c.text(c.get("account")?.name ?? "nobody"));
    });
    const first = await get("/", { Cookie: "sid=ada" });
    expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-account");
    expect((await get("/", { Cookie: "sid=bob" })).body).toBe("name of bob");
  });

  it("a key that tells only whether there is a user never shares the user's name", async () => {
    const { get } = createCarelessApp((app) => {
      const keyOf: KeyFunction = (c) =>
        key("home", (c.var as unknown as { user?: string }).user === undefined ? "out" : "in");
      app.get("/", keyed(keyOf), (c) => c.text(c.get("user") ?? "nobody"));
    });
    await get("/", { Cookie: "sid=ada" });
    expect((await get("/", { Cookie: "sid=bob" })).body).toBe("bob");
  });

  it("a response is shared if the handler reads only the member of a variable that the key function read", async () => {
    const { get } = createCarelessApp((app) => {
      const keyOf: KeyFunction = (c) =>
        key("home", (c.var as unknown as { account: { id: string } }).account.id);
      app.get("/", keyed(keyOf), (c) => c.text(c.get("account")?.id ?? "nobody"));
    });
    expect((await get("/", { Cookie: "sid=ada" })).body).toBe("ada");
    expect((await get("/", { Cookie: "sid=ada" })).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a path parameter that the key function read, but left out of the key, makes the response private", async () => {
    const { get } = reflecting(
      "/:lang/about",
      (c) => key("about", typeof c.req.param("lang")),
      (c) => c.req.param("lang"),
    );
    await get("/de/about");
    expect((await get("/fr/about")).body).toBe('"fr"');
  });

  it("a response is not shared if the key function returns a different key at each call", async () => {
    let calls = 0;
    const { get } = reflecting(
      "/",
      () => key("page", ++calls % 2),
      () => "page",
    );
    const { headers } = await get("/");
    expect(headers.get("Cache-Status")).toContain("detail=unkeyed-key");
  });

  it("a response is shared although the request has many query parameters outside the key", async () => {
    const { get } = reflecting(
      "/",
      (c) => key("page", c.req.query("page") ?? "1"),
      (c) => c.req.url,
    );
    const junk = Array.from({ length: 500 }, (_, i) => `x${i}=${i}`).join("&");
    expect((await get(`/?${junk}&page=2&${junk}`)).body).toBe('"https://unkeyed.invalid/?page=2"');
    expect((await get("/?page=2")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a request whose key depends on too many parts is answered privately, and harms no other", async () => {
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

  it("a hit calls the key function once", async () => {
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
