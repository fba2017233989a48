import { getCookie } from "hono/cookie";
import { bearerAuth } from "hono/bearer-auth";
import { validator } from "hono/validator";
import { describe, expect, it } from "vitest";
import { cached } from "../../../../src/index.ts";
import { createCarelessApp } from "./careless-app.ts";

const HOUR = { freshFor: "1h" } as const;

const FIELDS = [
  "Cookie",
  "Authorization",
  "X-API-Key",
  "X-Auth-Token",
  "Cf-Access-Jwt-Assertion",
  "Origin",
  "Referer",
  "User-Agent",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Real-IP",
  "CF-Connecting-IP",
  "CF-IPCountry",
  "X-Session",
  "X-User-Id",
  "Range",
] as const;

describe("a cached route whose handler reads request fields that its key does not name", () => {
  it.each(FIELDS)(
    "the value of the request field %s of one client does not reach another client of a cached route",
    async (name) => {
      const { get } = createCarelessApp((app) =>
        app.get("/", cached(HOUR), (c) =>
          c.text(
            [
              c.req.header(name),
              c.req.header()[name.toLowerCase()],
              c.req.raw.headers.get(name),
              new Headers(c.req.raw.headers).get(name),
              c.req.raw.clone().headers.get(name),
            ].join("|"),
          ),
        ),
      );
      await get("/", { [name]: "victim=1" });
      expect((await get("/")).body).not.toContain("victim");
    },
  );

  it("the handler of a cached route sees no Cookie and no X-API-Key in three concurrent requests, although its responses are private", async () => {
    const seen: unknown[] = [];
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), async (c) => {
        seen.push([c.req.header("Cookie"), c.req.header("X-API-Key"), c.req.method]);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return c.text("page", 200, { "Cache-Control": "private" });
      }),
    );
    await Promise.all(
      ["ada", "bob", "eve"].map((name) => get("/", { Cookie: `sid=${name}`, "X-API-Key": name })),
    );
    expect(seen).toEqual([1, 2, 3].map(() => [undefined, undefined, "GET"]));
  });

  it("a client without X-API-Key does not get the data of a client with X-API-Key from a cached route", async () => {
    const accounts: Readonly<Record<string, string>> = { k1: "balance of Ada" };
    const { get } = createCarelessApp((app) =>
      app.get("/balance", cached(HOUR), (c) =>
        c.text(accounts[c.req.header("X-API-Key") ?? ""] ?? "no account"),
      ),
    );
    await get("/balance", { "X-API-Key": "k1" });
    expect((await get("/balance")).body).toBe("no account");
  });

  it("a client without the token does not get a stored page if the authentication middleware stands after cached()", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/admin", cached(HOUR), bearerAuth({ token: "t0k3n" }), (c) => c.text("secret")),
    );
    await get("/admin", { Authorization: "Bearer t0k3n" });
    const stranger = await get("/admin");
    expect([stranger.status, stranger.body]).not.toContain("secret");
  });

  it("a check of X-API-Key after cached() rejects a client without a key, although a client with a valid key came before", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/admin",
        cached(HOUR),
        async (c, next) => (c.req.header("X-API-Key") === "k1" ? next() : c.text("no", 403)),
        (c) => c.text("secret"),
      ),
    );
    await get("/admin", { "X-API-Key": "k1" });
    expect((await get("/admin")).body).toBe("no");
  });

  it("clients that pass authentication before cached() share one stored response, and other clients do not get it", async () => {
    const { get } = createCarelessApp((app) => {
      app.use("/admin", bearerAuth({ token: ["one", "two"] }));
      app.get("/admin", cached(HOUR), (c) => c.text("for all who may"));
    });
    await get("/admin", { Authorization: "Bearer one" });
    const second = await get("/admin", { Authorization: "Bearer two" });
    expect(second.headers.get("X-Cache-Status")).toBe("HIT");
    expect((await get("/admin")).body).not.toContain("for all who may");
  });

  it("a cached route whose handler reads User-Agent does not serve a page for phones to desktops", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.text(/Mobile/.test(c.req.header("User-Agent") ?? "") ? "small" : "wide"),
      ),
    );
    await get("/", { "User-Agent": "Mobile" });
    expect((await get("/", { "User-Agent": "Desktop" })).body).toBe("wide");
  });

  it("if the handler uses a request field from a Hono validator before cached(), a second client gets a response of its own", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        validator("header", (value) => ({ key: value["x-api-key"] })),
        cached(HOUR),
        (c) => c.text(`data of ${c.req.valid("header").key}`),
      ),
    );
    const first = await get("/", { "X-API-Key": "ada" });
    expect(first.headers.get("Cache-Status")).toContain("detail=unkeyed-header");
    expect((await get("/", { "X-API-Key": "bob" })).body).toBe("data of bob");
  });

  it("if the handler uses a cookie from a Hono validator before cached(), a second client gets a response of its own", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        validator("cookie", (value) => ({ sid: value["sid"] })),
        cached(HOUR),
        (c) => c.text(`data of ${c.req.valid("cookie").sid}`),
      ),
    );
    await get("/", { Cookie: "sid=ada" });
    expect((await get("/", { Cookie: "sid=bob" })).body).toBe("data of bob");
  });

  it("if the handler uses a query parameter outside the key from a Hono validator before cached(), a second client gets a response of its own", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        validator("query", (value) => value),
        cached({ ...HOUR, key: { query: { except: ["utm"] } } }),
        (c) => c.text(String(c.req.valid("query")["utm"])),
      ),
    );
    await get("/?utm=evil");
    expect((await get("/")).body).toBe("undefined");
  });

  it("clients share a stored response whose handler uses a validated query parameter in the key and a field from a validator after cached()", async () => {
    const { get } = createCarelessApp((app) =>
      app.get(
        "/",
        validator("query", (value) => value),
        cached({ ...HOUR, key: { query: { except: ["utm"] } } }),
        validator("header", (value) => value),
        (c) => c.json([c.req.valid("query")["page"], c.req.valid("header")["x-user-id"]]),
      ),
    );
    const first = await get("/?page=1&utm=x", { "X-User-Id": "ada" });
    const second = await get("/?page=1", { "X-User-Id": "bob" });
    expect([first.body, second.body]).toEqual(['["1",null]', '["1",null]']);
    expect(second.headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a request body that a middleware has read does not reach the handler of a cached route", async () => {
    const { get } = createCarelessApp((app) => {
      app.use(async (c, next) => {
        Object.assign(c.req.bodyCache, { text: Promise.resolve(c.req.header("X-Body") ?? "") });
        await next();
      });
      app.get("/", cached(HOUR), async (c) => c.text(`body: ${await c.req.text()}`));
    });
    await get("/", { "X-Body": "evil" });
    expect((await get("/")).body).toBe("body: ");
  });
});

describe("a cached route whose handler reads what it may negotiate", () => {
  it.each([
    ["Accept-Language", "de", "fr"],
    ["Accept", "text/html", "application/json"],
    ["Accept-Encoding", "br", "identity"],
  ])(
    "a cached route stores one variant for each value of %s if the handler reads that field, even without Vary",
    async (name, one, other) => {
      let calls = 0;
      const { get } = createCarelessApp((app) =>
        app.get("/", cached(HOUR), (c) => c.text(`${++calls} ${c.req.header(name)}`)),
      );
      const answers = [];
      for (const value of [one, other, one, other]) answers.push(await get("/", { [name]: value }));
      expect(answers.map(({ body }) => body)).toEqual([
        `1 ${one}`,
        `2 ${other}`,
        `1 ${one}`,
        `2 ${other}`,
      ]);
      expect(answers[3]?.headers.get("Vary")?.toLowerCase()).toBe(name.toLowerCase());
    },
  );

  it("a cached route stores one variant for each value of Accept-Language if the handler reads the list of all request fields", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) => c.text(c.req.header()["accept-language"] ?? "none")),
    );
    await get("/", { "Accept-Language": "de" });
    expect((await get("/", { "Accept-Language": "fr" })).body).toBe("fr");
  });
});

describe("a cached route whose key names fields and cookies", () => {
  it("the handler of a cached route sees only the request field and the cookie that the key names", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { headers: ["X-Plan"], cookies: ["theme"] } }), (c) =>
        c.text(`${c.req.header("X-Plan")} ${getCookie(c, "theme")} ${getCookie(c, "sid")}`),
      ),
    );
    const headers = { "X-Plan": "pro", Cookie: "sid=ada; theme=dark" };
    expect((await get("/", headers)).body).toBe("pro dark undefined");
    expect((await get("/", headers)).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a cached route whose key names Authorization stores one response for each value of Authorization", async () => {
    let calls = 0;
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { headers: ["Authorization"] } }), (c) =>
        c.text(`${++calls} ${c.req.header("Authorization")}`),
      ),
    );
    const bodies = [];
    for (const Authorization of ["ada", "bob", "ada"])
      bodies.push((await get("/", { Authorization })).body);
    expect(bodies).toEqual(["1 ada", "2 bob", "1 ada"]);
  });
});

describe("a HEAD request to a cached route", () => {
  it("the handler of a HEAD request to a cached route sees the method GET, so that no empty page is stored for a later GET", async () => {
    const { get, send } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.req.method === "HEAD" ? c.body(null) : c.text(`page by ${c.req.raw.method}`),
      ),
    );
    await send(new Request("http://x.test/", { method: "HEAD" }));
    expect((await send(new Request("http://x.test/"))).body).toBe("page by GET");
    expect((await get("/")).body).toBe("page by GET");
  });
});
