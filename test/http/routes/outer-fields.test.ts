/** Careless applications: what outer middleware sets for one request must not reach another one. */
import type { MiddlewareHandler } from "hono";
import { setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { timing, setMetric } from "hono/timing";
import { describe, expect, it } from "vitest";
import { cached, type CachedOptions, type StrataEnv } from "../../../src/index.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

type Handler = MiddlewareHandler<StrataEnv>;

/** An application with outer middleware before a cached route. */
function serving(
  outer: readonly Handler[],
  handler: Handler = async (c) => c.json({ same: true }),
  options: Partial<CachedOptions> = {},
): TestApp {
  return createTestApp(uniqueNamespace(), (app) => {
    for (const middleware of outer) app.use(middleware);
    app.get("/thing", cached({ freshFor: "1m", jitter: 0, ...options }), handler);
  });
}

const before =
  (set: (c: Parameters<Handler>[0]) => void): Handler =>
  async (c, next) => {
    set(c);
    await next();
  };

const after =
  (set: (c: Parameters<Handler>[0]) => void): Handler =>
  async (c, next) => {
    await next();
    set(c);
  };

/** The ways in which a middleware can set a field. */
const WAYS: readonly [string, (value: () => string) => Handler][] = [
  ["c.header() before next()", (value) => before((c) => c.header("X-Mine", value()))],
  ["c.res.headers before next()", (value) => before((c) => c.res.headers.set("X-Mine", value()))],
  ["c.header() after next()", (value) => after((c) => c.header("X-Mine", value()))],
  ["c.res.headers after next()", (value) => after((c) => c.res.headers.set("X-Mine", value()))],
];

/** The ways in which a handler can answer. */
const ANSWERS: readonly [string, Handler][] = [
  ["c.json()", async (c) => c.json({ same: true })],
  ["new Response()", async () => new Response("same")],
  ["c.body() with fields", async (c) => c.body("same", 200, { "X-Own": "kept" })],
];

describe("fields of outer middleware around cached()", () => {
  it.each(
    WAYS.flatMap(([way, set]) =>
      ANSWERS.map(([name, answer]) => [way, name, set, answer] as const),
    ),
  )(
    "a header field that outer middleware sets by %s has a new value on each response of a handler with %s, hit or miss",
    async (_way, _name, set, answer) => {
      let requests = 0;
      const { get } = serving([set(() => String(++requests))], answer);
      const seen = [];
      for (let i = 0; i < 3; i++) {
        const { headers } = await get("/thing");
        seen.push([headers.get("X-Cache-Status"), headers.get("X-Mine")]);
      }
      expect(seen).toEqual([
        ["MISS", "1"],
        ["HIT", "2"],
        ["HIT", "3"],
      ]);
    },
  );

  it("Access-Control-Allow-Origin names the allowed origin of each request, also on a hit of a cached route", async () => {
    const allowed = ["https://a.test", "https://b.test"];
    const { get } = serving([
      cors({ origin: allowed, credentials: true, exposeHeaders: ["ETag"] }),
    ]);
    const seen = [];
    for (const origin of [...allowed, "https://evil.test", allowed[0]!]) {
      const { headers } = await get("/thing", { Origin: origin });
      seen.push([
        headers.get("X-Cache-Status"),
        headers.get("Access-Control-Allow-Origin"),
        headers.get("Access-Control-Allow-Credentials"),
        headers.get("Vary"),
      ]);
    }
    expect(seen).toEqual([
      ["MISS", "https://a.test", "true", "Origin"],
      ["HIT", "https://b.test", "true", "Origin"],
      ["HIT", null, "true", "Origin"],
      ["HIT", "https://a.test", "true", "Origin"],
    ]);
  });

  it("the 304, 206, 416 and HEAD responses of a cached route behind CORS middleware have Access-Control-Allow-Origin", async () => {
    const origin = "https://a.test";
    const { get, send, url } = serving([cors({ origin: [origin] })]);
    const { headers } = await get("/thing", { Origin: origin });
    const validator = headers.get("ETag") ?? "";
    const answers = [
      await get("/thing", { Origin: origin, "If-None-Match": validator }),
      await get("/thing", { Origin: origin, Range: "bytes=0-1" }),
      await get("/thing", { Origin: origin, Range: "bytes=900-" }),
      await send(new Request(url("/thing"), { method: "HEAD", headers: { Origin: origin } })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([304, 206, 416, 200]);
    for (const answer of answers)
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(origin);
  });

  it("each response of a cached route has an X-Request-Id of its own, also on a hit", async () => {
    const { get } = serving([requestId()]);
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await get("/thing")).headers.get("X-Request-Id"));
    expect(ids).not.toContain(null);
    expect(new Set(ids).size).toBe(3);
  });

  it.each([
    ["before", before],
    ["after", after],
  ] as const)(
    "a session cookie that outer middleware sets %s next() is sent to one client only, and the response is stored without the cookie",
    async (_, when) => {
      let sessions = 0;
      const { get } = serving([when((c) => setCookie(c, "session", String(++sessions)))]);
      const seen = [];
      for (let i = 0; i < 3; i++) {
        const { headers } = await get("/thing");
        seen.push([headers.get("X-Cache-Status"), headers.getSetCookie()]);
      }
      expect(seen).toEqual([
        ["MISS", ["session=1; Path=/"]],
        ["HIT", ["session=2; Path=/"]],
        ["HIT", ["session=3; Path=/"]],
      ]);
    },
  );

  it.each([
    ["a silent route", {}, "max-age=0, must-revalidate, private"],
    ["a public route", { "Cache-Control": "public, max-age=60" }, "public, max-age=60, private"],
    ["a private route", { "Cache-Control": "private" }, "private"],
  ])(
    "Cache-Control in the response of %s contains `private` if outer middleware sets a cookie",
    async (_, own, expected) => {
      const set = after((c) => setCookie(c, "session", "1"));
      const { get } = serving([set], async (c) => c.json({ same: true }, 200, own));
      for (let i = 0; i < 2; i++) {
        expect((await get("/thing")).headers.get("Cache-Control")).toBe(expected);
      }
    },
  );

  it("a cached route removes CDN-Cache-Control from a response on which outer middleware sets a cookie", async () => {
    const set = before((c) => setCookie(c, "session", "1"));
    const { get } = serving([set], async (c) =>
      c.json({ same: true }, 200, { "CDN-Cache-Control": "max-age=60" }),
    );
    for (let i = 0; i < 2; i++) {
      const { headers } = await get("/thing");
      expect(headers.get("CDN-Cache-Control")).toBeNull();
      expect(headers.get("Cache-Control")).toBe("max-age=0, must-revalidate, private");
    }
  });

  it("a response is not stored if the handler of a cached route sets a cookie", async () => {
    let calls = 0;
    const { get } = serving([before((c) => setCookie(c, "outer", "1"))], async (c) => {
      setCookie(c, "inner", String(++calls));
      return c.json({ call: calls });
    });
    const first = await get("/thing");
    const second = await get("/thing");
    expect([first.body, second.body]).toEqual(['{"call":1}', '{"call":2}']);
    expect(second.headers.getSetCookie()).toEqual(["inner=2; Path=/", "outer=1; Path=/"]);
  });

  it("the header fields that secure-headers, timing and etag middleware add are on a miss and on a hit of a cached route", async () => {
    const measure: Handler = before((c) => setMetric(c, "auth", 1));
    const { get } = serving([secureHeaders(), timing({ total: false }), measure, etag()]);
    for (const status of ["MISS", "HIT"]) {
      const { headers } = await get("/thing");
      expect(headers.get("X-Cache-Status")).toBe(status);
      expect(headers.get("X-Frame-Options")).toBe("SAMEORIGIN");
      expect(headers.get("Server-Timing")).toMatch(/^auth;dur=1.*total;dur=\d+$/);
    }
    const { headers } = await get("/thing");
    const again = await get("/thing", { "If-None-Match": headers.get("ETag") ?? "" });
    expect(again.status).toBe(304);
  });

  it("a header field that the handler sets replaces the same field of outer middleware, and Vary combines the field names of both", async () => {
    const set = before((c) => {
      c.header("X-Both", "outer");
      c.header("Vary", "Origin");
    });
    const { get } = serving([set], async (c) =>
      c.json({ same: true }, 200, { "X-Both": "route", Vary: "Accept-Language, origin" }),
    );
    for (const status of ["MISS", "HIT"]) {
      const { headers } = await get("/thing");
      expect(headers.get("X-Cache-Status")).toBe(status);
      expect(headers.get("X-Both")).toBe("route");
      const vary = headers.get("Vary")?.toLowerCase().split(", ").toSorted();
      expect(vary).toEqual(["accept-language", "origin"]);
    }
  });

  it("header fields that a middleware after cached() sets are stored with the response", async () => {
    let calls = 0;
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get(
        "/thing",
        cached({ freshFor: "1m" }),
        before((c) => c.header("X-Inner", String(++calls))),
        (c) => c.json({ same: true }),
      ),
    );
    await get("/thing");
    const hit = await get("/thing");
    expect([hit.headers.get("X-Cache-Status"), hit.headers.get("X-Inner")]).toEqual(["HIT", "1"]);
  });

  it.each(["no-store", "private"])(
    "Cache-Control: %s that outer middleware sets prevents storing if the handler of a cached route sets no Cache-Control",
    async (control) => {
      let calls = 0;
      const { get } = serving([before((c) => c.header("Cache-Control", control))], async (c) =>
        c.json({ call: ++calls }),
      );
      await get("/thing");
      const second = await get("/thing");
      expect(second.body).toBe('{"call":2}');
      expect(second.headers.get("Cache-Control")).toBe(control);
    },
  );

  it("Cache-Control that outer middleware sets replaces the default Cache-Control of cached(), and is not stored", async () => {
    const controls = ["max-age=5", "max-age=6"];
    const { get } = serving([before((c) => c.header("Cache-Control", controls.shift() ?? ""))]);
    expect((await get("/thing")).headers.get("Cache-Control")).toBe("max-age=5");
    const hit = await get("/thing");
    expect(hit.headers.get("X-Cache-Status")).toBe("HIT");
    expect(hit.headers.get("Cache-Control")).toBe("max-age=6");
  });

  it("a background refresh of a cached route does not store the header fields that outer middleware adds", async () => {
    let requests = 0;
    const { get, clock } = serving(
      [before((c) => c.header("X-Mine", String(++requests)))],
      async (c) => c.json({ same: true }),
      { freshFor: "10s", staleWhileRevalidate: "1m" },
    );
    await get("/thing");
    clock.advance(11_000);
    const stale = await get("/thing");
    const fresh = await get("/thing");
    expect(stale.headers.get("X-Cache-Status")).toBe("STALE");
    expect(fresh.headers.get("X-Cache-Status")).toBe("HIT");
    // The refresh was request 3.
    expect([stale.headers.get("X-Mine"), fresh.headers.get("X-Mine")]).toEqual(["2", "4"]);
  });

  it("the header fields that outer middleware adds are on a 503 of a cached route and on a response that is not stored", async () => {
    const set = before((c) => c.res.headers.set("X-Mine", "yes"));
    const failing = serving([set], async () => {
      throw new Error("broken");
    });
    const failed = await failing.get("/thing");
    expect([failed.status, failed.headers.get("X-Mine")]).toEqual([503, "yes"]);
    const own = serving([set], async () => new Response("mine", { headers: { Vary: "*" } }));
    for (let i = 0; i < 2; i++) expect((await own.get("/thing")).headers.get("X-Mine")).toBe("yes");
  });
});
