/** Attacks on a shared cache: poisoning (one client writes into what others get) and deception (one client's data is stored for others). */
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
  it.each(CLAIMS)(
    "cache poisoning through the request field %s fails: the handler of a cached route does not see the field",
    async (name) => {
      const { get } = createTestApp(uniqueNamespace(), (app) =>
        app.get("/page", cached({ freshFor: "1h" }), (c) =>
          c.text(`<script src="//${c.req.header(name) ?? "own"}/x.js">`),
        ),
      );
      await get("/page", { [name]: "evil.test" });
      expect((await get("/page")).body).toBe('<script src="//own/x.js">');
    },
  );

  it.each(CLAIMS)(
    "cache poisoning through the request field %s fails: the proxy replaces or removes the field",
    async (name) => {
      const p = createProxy();
      p.answers((request) => ({ headers: FRESH, body: request.headers.get(name) ?? "none" }));
      await p.get({ [name]: "evil.test" });
      expect((await p.get()).body).not.toContain("evil.test");
    },
  );

  it("cache poisoning through the Host field fails: the host is part of the proxy's cache key", async () => {
    const p = createProxy();
    p.answers((request) => ({
      headers: FRESH,
      body: request.headers.get("X-Forwarded-Host") ?? "",
    }));
    await p.send({ host: "evil.test", path: "/x" });
    expect((await p.send({ host: "good.test", path: "/x" })).body).toBe("good.test");
  });

  it("cache poisoning through a query parameter outside the key of a cached route fails: the handler does not see the parameter", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h", key: { query: { except: ["utm"] } } }), (c) =>
        c.text(c.req.query("utm") ?? "none"),
      ),
    );
    await get("/page?utm=%3Cscript%3E");
    expect((await get("/page")).body).toBe("none");
  });

  it("cache poisoning through the body of a GET request fails: the proxy does not forward the body", async () => {
    const p = createProxy();
    p.answers(async (request) => ({ headers: FRESH, body: `body:${await request.text()}` }));
    expect((await p.get({ "Content-Length": "4" })).body).toBe("body:");
  });

  it("the proxy does not store a 400 without explicit freshness that one client provokes", async () => {
    const p = createProxy();
    p.answers((request) =>
      request.headers.has("X-Oversized") ? { status: 400 } : { headers: FRESH, body: "fine" },
    );
    expect((await p.get({ "X-Oversized": "1" })).status).toBe(400);
    expect((await p.get()).body).toBe("fine");
  });

  it("Cache-Group-Invalidation in a response of one host does not invalidate a stored response of another host with the same cache group", async () => {
    const p = createProxy();
    p.answers({ headers: { ...FRESH, "Cache-Groups": '"a"' } });
    await p.send({ host: "good.test", path: "/x" });
    p.answers({ headers: { "Cache-Group-Invalidation": '"a"' } });
    await p.send({ host: "evil.test", path: "/y", method: "POST" });
    expect((await p.send({ host: "good.test", path: "/x" })).cache).toBe("HIT");
  });

  it("a request through the proxy whose path looks like the cache key of a stored variant does not get that variant", async () => {
    const p = createProxy();
    p.answers({ headers: { ...FRESH, Vary: "Foo" } });
    await p.get({ Foo: "1" }, "/x");
    const key = `${encodeURIComponent("/x")}:vary-`;
    expect((await p.get({}, `/${key}`)).body).toBe("2");
  });
});

describe("cache deception", () => {
  it("a path that looks like the path of a static file does not make the proxy share a private page", async () => {
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

  it("a cached route does not show one client's cookie to another client", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/account/*", cached({ freshFor: "1h" }), (c) =>
        c.text(`account of ${c.req.header("Cookie") ?? "nobody"}`),
      ),
    );
    await get("/account/x.css", { Cookie: "victim" });
    expect((await get("/account/x.css")).body).toBe("account of nobody");
  });

  it("a cached route does not show one client's Authorization field to another client", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/account", cached({ freshFor: "1h" }), (c) =>
        c.text(c.req.header("Authorization") ?? "nobody"),
      ),
    );
    for (const headers of [{ Authorization: "Bearer victim" }, {}])
      expect((await get("/account", headers as Record<string, string>)).body).toBe("nobody");
  });

  it("a cached route does not store a response that has Set-Cookie and Cache-Control: public", async () => {
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

  it("a cached route does not store a response with Cache-Control: private, even if the request has Cache-Control: public", async () => {
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
