/** Attacks on shared caches, each performed: poisoning what others get, and making the cache keep what is one client's own. */
import { describe, expect, it } from "vitest";
import { cached } from "../../../src/index.ts";
import { createProxy } from "../../conformance/proxy.ts";
import { createTestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const CLAIMS = [
  "X-Forwarded-Host",
  "X-Forwarded-Scheme",
  "X-Forwarded-Prefix",
  "X-Host",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-HTTP-Method-Override",
  "Forwarded",
];

describe("cache poisoning", () => {
  it.each(CLAIMS)("through %s: a route's handler does not see it", async (name) => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h" }), (c) =>
        c.text(`<script src="//${c.req.header(name) ?? "own"}/x.js">`),
      ),
    );
    await get("/page", { [name]: "evil.test" });
    expect((await get("/page")).body).toBe('<script src="//own/x.js">');
  });

  it.each(CLAIMS)(
    "through %s: an origin that echoes it gets our own word, or none",
    async (name) => {
      const p = createProxy();
      p.answers((request) => ({ headers: FRESH, body: request.headers.get(name) ?? "none" }));
      await p.get({ [name]: "evil.test" });
      expect((await p.get()).body).not.toContain("evil.test");
    },
  );

  it("through the Host: an origin that is told of it has a key for each", async () => {
    const p = createProxy();
    p.answers((request) => ({
      headers: FRESH,
      body: request.headers.get("X-Forwarded-Host") ?? "",
    }));
    await p.send({ host: "evil.test", path: "/x" });
    expect((await p.send({ host: "good.test", path: "/x" })).body).toBe("good.test");
  });

  it("through a parameter that is left out of the key: the handler does not see it", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h", key: { query: { except: ["utm"] } } }), (c) =>
        c.text(c.req.query("utm") ?? "none"),
      ),
    );
    await get("/page?utm=%3Cscript%3E");
    expect((await get("/page")).body).toBe("none");
  });

  it("through the body of a GET: none is handed on", async () => {
    const p = createProxy();
    p.answers(async (request) => ({ headers: FRESH, body: `body:${await request.text()}` }));
    expect((await p.get({ "Content-Length": "4" })).body).toBe("body:");
  });

  it("through an error that a header provokes: it is not kept without explicit freshness", async () => {
    const p = createProxy();
    p.answers((request) =>
      request.headers.has("X-Oversized") ? { status: 400 } : { headers: FRESH, body: "fine" },
    );
    expect((await p.get({ "X-Oversized": "1" })).status).toBe(400);
    expect((await p.get()).body).toBe("fine");
  });

  it("through a stolen tag: one origin's group does not purge another's", async () => {
    const p = createProxy();
    p.answers({ headers: { ...FRESH, "Cache-Groups": '"a"' } });
    await p.send({ host: "good.test", path: "/x" });
    p.answers({ headers: { "Cache-Group-Invalidation": '"a"' } });
    await p.send({ host: "evil.test", path: "/y", method: "POST" });
    expect((await p.send({ host: "good.test", path: "/x" })).cache).toBe("HIT");
  });

  it("through a key that reaches into another: separators in a path are escaped", async () => {
    const p = createProxy();
    p.answers({ headers: { ...FRESH, Vary: "Foo" } });
    await p.get({ Foo: "1" }, "/x");
    const key = `${encodeURIComponent("/x")}:vary-`;
    expect((await p.get({}, `/${key}`)).body).toBe("2");
  });
});

describe("cache deception", () => {
  it("a suffix that looks static does not make a private page public", async () => {
    const p = createProxy();
    p.answers((request) => ({ body: `account of ${request.headers.get("Cookie") ?? "nobody"}` }));
    for (const path of [
      "/account/x.css",
      "/account;x.css",
      "/account%2Fx.css",
      "/account?x.css",
      "/account%00.css",
    ]) {
      await p.get({ Cookie: "victim" }, path);
      expect((await p.get({}, path)).body, path).toBe("account of nobody");
    }
  });

  it("a cached route shows nothing of one client to another", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/account/*", cached({ freshFor: "1h" }), (c) =>
        c.text(`account of ${c.req.header("Cookie") ?? "nobody"}`),
      ),
    );
    await get("/account/x.css", { Cookie: "victim" });
    expect((await get("/account/x.css")).body).toBe("account of nobody");
  });

  it("an answer to a client that has logged in is not shared", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/account", cached({ freshFor: "1h" }), (c) =>
        c.text(c.req.header("Authorization") ?? "nobody"),
      ),
    );
    expect((await get("/account", { Authorization: "Bearer victim" })).body).toBe("Bearer victim");
    expect((await get("/account")).body).toBe("nobody");
  });

  it("a route's response that sets a cookie is not shared", async () => {
    let calls = 0;
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h" }), (c) =>
        c.text(String(++calls), 200, {
          "Set-Cookie": `session=${calls}`,
          "Cache-Control": "public, max-age=60",
        }),
      ),
    );
    await get("/page");
    const second = await get("/page");
    expect([second.body, second.headers.get("Set-Cookie")]).toEqual(["2", "session=2"]);
  });

  it("what clients send cannot make a route's response cacheable", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      let calls = 0;
      app.get("/own", cached({ freshFor: "1h" }), (c) =>
        c.text(String(++calls), 200, { "Cache-Control": "private" }),
      );
    });
    await get("/own", { "Cache-Control": "public, max-age=60", "CDN-Cache-Control": "max-age=60" });
    expect((await get("/own")).body).toBe("2");
  });
});
