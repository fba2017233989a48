/** Answers that replace another one, and answers whose fields are immutable. */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import { cached, type StrataEnv } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { createGate } from "../../support/gate.ts";
import { uniqueNamespace } from "../../support/isolate.ts";
import { createLimitedApp } from "../../ratelimit/app.ts";

const ip = "192.0.2.1";

/** Fields that only the answer of the handler may have. */
const OWN = {
  "Cache-Control": "public, max-age=3600",
  "CDN-Cache-Control": "max-age=3600",
  ETag: '"page"',
  "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
  "Content-Language": "de",
  "Content-Disposition": "attachment",
};

function expectNoFieldOfPage(headers: Headers): void {
  for (const name of Object.keys(OWN))
    if (name !== "Cache-Control") expect([name, headers.get(name)]).toEqual([name, null]);
  expect(headers.get("Cache-Control")).toBe("no-store");
}

/** A careless error handler, which makes its answer from the context. */
const careless = (app: Hono<StrataEnv>, status: 500 | 403 = 500): void =>
  void app.onError((error, c) => c.json({ error: error.message }, status));

describe("an answer that replaces another", () => {
  it.each(["a cached route", "a plain route"])(
    "an error that middleware throws after next() is sent without the header fields that the handler of %s has set",
    async (kind) => {
      const { get } = createTestApp(uniqueNamespace(), (app) => {
        careless(app);
        app.use(async (_, next) => {
          await next();
          throw new Error("after");
        });
        if (kind === "a cached route")
          app.get("/page", cached({ freshFor: "1m" }), (c) =>
            c.text("page", 200, { ...OWN, "X-Page": "1" }),
          );
        else app.get("/page", (c) => c.text("page", 200, OWN));
      });
      for (let i = 0; i < 2; i++) {
        const { status, headers, body } = await get("/page");
        expect([status, body]).toEqual([500, '{"error":"after"}']);
        expectNoFieldOfPage(headers);
        expect(headers.get("X-Page")).toBeNull();
      }
    },
  );

  it("a 500 of a handler that sets Cache-Control: max-age and then throws is not stored", async () => {
    let calls = 0;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) => {
      careless(app);
      app.get("/page", cached({ freshFor: "1m" }), async (c) => {
        calls++;
        for (const [name, value] of Object.entries(OWN)) c.header(name, value);
        throw new Error("broken");
      });
    });
    for (let i = 1; i <= 2; i++) {
      const { status, headers } = await get("/page");
      expect(status).toBe(500);
      expectNoFieldOfPage(headers);
      expect(calls).toBe(i);
      clock.advance(60_000);
    }
  });

  it("a 404 that a handler throws after it has set Cache-Control: max-age is stored only for the time in the option `negativeFor`", async () => {
    let calls = 0;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) => {
      app.onError((error, c) => c.json({ error: error.message }, 404));
      app.get("/page", cached({ freshFor: "1h", negativeFor: "10s", jitter: 0 }), async (c) => {
        calls++;
        for (const [name, value] of Object.entries(OWN)) c.header(name, value);
        throw new HTTPException(404, { message: "none" });
      });
    });
    const first = await get("/page");
    const hit = await get("/page");
    expect([first.status, hit.headers.get("X-Cache-Status")]).toEqual([404, "HIT"]);
    expect(hit.headers.get("Cache-Control")).toBe("max-age=0, must-revalidate");
    clock.advance(11_000);
    await get("/page");
    expect(calls).toBe(2);
  });

  it.each(["strict", "fast"] as const)(
    "a 429 of a rate limit in %s mode has the CORS fields of its request, and no header field of the page that it replaces",
    async (mode) => {
      const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
        app.use(cors({ origin: ["https://a.test"] }));
        app.use(rateLimit({ name: "api", ip: "1/1m", mode }));
        app.get("/page", (c) => c.text("page", 200, OWN));
      });
      const headers = { Origin: "https://a.test" };
      expect((await get("/page", { ip, headers })).status).toBe(200);
      const refused = await get("/page", { ip, headers });
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Access-Control-Allow-Origin")).toBe("https://a.test");
      expectNoFieldOfPage(refused.headers);
    },
  );

  it("the 503 of a cached route whose handler's body breaks off has the header fields of outer middleware and Cache-Control: no-store", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.use(cors({ origin: ["https://a.test"] }));
      app.get("/page", cached({ freshFor: "1m" }), async () => {
        const { readable, writable } = new TransformStream();
        void writable.abort(new Error("broken"));
        return new Response(readable, { headers: OWN });
      });
    });
    const failed = await get("/page", { Origin: "https://a.test" });
    expect(failed.status).toBe(503);
    expect(failed.headers.get("Access-Control-Allow-Origin")).toBe("https://a.test");
    expectNoFieldOfPage(failed.headers);
  });

  it("a handler that returns after `originTimeout` changes neither the 503 of the cached route nor the header fields of that 503", async () => {
    const limit = createGate();
    const saved = createGate();
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.use(cors({ origin: ["https://a.test"] }));
      app.use(async (_, next) => {
        await next();
        // Work after the answer, during which the handler returns.
        limit.open();
        await saved.pass();
      });
      app.get("/thing", cached({ freshFor: "1m", originTimeout: "50ms" }), async (c) => {
        await limit.pass();
        setTimeout(() => saved.open(), 20);
        return c.json({ late: true });
      });
    });
    const failed = await get("/thing", { Origin: "https://a.test" });
    expect(failed.status).toBe(503);
    expect(failed.headers.get("Access-Control-Allow-Origin")).toBe("https://a.test");
    expect(failed.body).toContain("origin.timeout");
  });
});

describe("an answer whose fields are immutable", () => {
  const immutable = (): Response => Response.redirect("https://a.test/elsewhere", 302);

  it.each(["strict", "fast"] as const)(
    "a rate limit in %s mode adds its header fields to a response with immutable headers",
    async (mode) => {
      const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
        app.use(rateLimit({ name: "api", ip: "5/1m", mode }));
        app.get("/away", immutable);
      });
      const { status, headers } = await get("/away", { ip });
      expect([status, headers.get("X-RateLimit-Limit")]).toEqual([302, "5"]);
      expect(headers.get("Location")).toBe("https://a.test/elsewhere");
    },
  );

  it("a cached route adds the header fields of outer middleware to a response with immutable headers", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.use(cors({ origin: ["https://a.test"] }));
      app.get("/away", cached({ freshFor: "1m" }), immutable);
    });
    for (let i = 0; i < 2; i++) {
      const { status, headers } = await get("/away", { Origin: "https://a.test" });
      expect([status, headers.get("Access-Control-Allow-Origin")]).toEqual([302, "https://a.test"]);
      expect(headers.get("X-Response-Time")).toMatch(/ms$/);
    }
  });
});

describe("a handler that makes a mistake", () => {
  it.each([
    ["no response", () => undefined],
    ["a plain object", () => ({ ok: true })],
  ])(
    "a handler that returns %s causes a 503 with an error that names the route, and no empty 200",
    async (_, mistake) => {
      const { get } = createTestApp(uniqueNamespace(), (app) =>
        app.get("/page", cached({ freshFor: "1h" }), mistake as never),
      );
      const { status, body } = await get("/page");
      expect(status).toBe(503);
      expect(body).toContain("the handler of /page returned no Response");
    },
  );

  it("a handler that gives a BigInt to c.json() causes a 503, although `staleIfError` would permit a stale response", async () => {
    let value: unknown = 1;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "10s", staleIfError: "1h", jitter: 0 }), (c) =>
        c.json({ value } as never),
      ),
    );
    await get("/page");
    clock.advance(11_000);
    value = 1n;
    const failed = await get("/page");
    expect(failed.status).toBe(503);
    expect(failed.body).toContain("BigInt");
  });
});
