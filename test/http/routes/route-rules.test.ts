import { describe, expect, it } from "vitest";
import { cached, type CachedOptions } from "../../../src/index.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

type Answer = (call: number, request: Request) => Response;

/** A route that counts its calls. */
function serving(options: CachedOptions, answer: Answer): TestApp & { calls: () => number } {
  let calls = 0;
  const app = createTestApp(uniqueNamespace(), (routes) =>
    routes.get("/thing/*", cached({ jitter: 0, ...options }), (c) => answer(++calls, c.req.raw)),
  );
  return { ...app, calls: () => calls };
}

const saying =
  (headers: Record<string, string>, status = 200): Answer =>
  (call) =>
    new Response(String(call), { status, headers });

describe("a cached route whose response has cache directives", () => {
  it("Cache-Control: max-age in the handler's response replaces the option `freshFor` of a cached route", async () => {
    const { get, clock, calls } = serving(
      { freshFor: "1h" },
      saying({ "Cache-Control": "max-age=10" }),
    );
    await get("/thing/1");
    clock.advance(9_000);
    const hit = await get("/thing/1");
    expect([hit.headers.get("X-Cache-Status"), hit.headers.get("Age")]).toEqual(["HIT", "9"]);
    expect(hit.headers.get("Cache-Control")).toBe("max-age=10");
    clock.advance(1_001);
    await get("/thing/1");
    expect(calls()).toBe(2);
  });

  it("the option `staleWhileRevalidate` of a cached route applies if the handler's Cache-Control has no stale-while-revalidate", async () => {
    const { get, clock } = serving(
      { freshFor: "1h", staleWhileRevalidate: "1m" },
      saying({ "Cache-Control": "max-age=10" }),
    );
    await get("/thing/1");
    clock.advance(11_000);
    expect((await get("/thing/1")).headers.get("X-Cache-Status")).toBe("STALE");
  });

  it("a cached route stores a 500 with explicit freshness", async () => {
    const explicit = serving({ freshFor: "1h" }, saying({ "Cache-Control": "max-age=10" }, 500));
    await explicit.get("/thing/1");
    await explicit.get("/thing/1");
    expect(explicit.calls()).toBe(1);
  });

  it.each(["no-store", "private", "no-cache", "max-age=60, private", "s-maxage=60, no-store"])(
    "a cached route does not store a response with Cache-Control: %s",
    async (control) => {
      const { get, calls } = serving({ freshFor: "1h" }, saying({ "Cache-Control": control }));
      await get("/thing/1");
      await get("/thing/1");
      expect(calls()).toBe(2);
    },
  );

  it("a cached route stores one variant for each value of the field that Vary names", async () => {
    const { get, calls } = serving(
      { freshFor: "1h" },
      (call, request) =>
        new Response(`${call} ${request.headers.get("Accept-Language")}`, {
          headers: { Vary: "Accept-Language" },
        }),
    );
    for (const language of ["de", "fr", "de", "fr"]) {
      const { body } = await get("/thing/1", { "Accept-Language": language });
      expect(body).toContain(language);
    }
    expect(calls()).toBe(2);
    expect((await get("/thing/1", { "Accept-Language": "de" })).headers.get("X-Cache-Status")).toBe(
      "HIT",
    );
  });

  it("a background refresh of a cached route replaces only the variant of the request that caused it", async () => {
    const { get, clock } = serving(
      { freshFor: "10s", staleWhileRevalidate: "1m" },
      (call, request) =>
        new Response(`${call} ${request.headers.get("Accept-Language")}`, {
          headers: { Vary: "Accept-Language" },
        }),
    );
    await get("/thing/1", { "Accept-Language": "de" });
    await get("/thing/1", { "Accept-Language": "fr" });
    clock.advance(11_000);
    expect((await get("/thing/1", { "Accept-Language": "de" })).body).toBe("1 de");
    expect((await get("/thing/1", { "Accept-Language": "de" })).body).toBe("3 de");
    expect((await get("/thing/1", { "Accept-Language": "fr" })).body).toBe("2 fr");
  });

  it("a cached route answers requests with Range and If-Modified-Since from the stored response", async () => {
    const modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    const { get, calls } = serving(
      { freshFor: "1h" },
      () => new Response("0123456789", { headers: { "Last-Modified": modified } }),
    );
    const first = await get("/thing/1", { Range: "bytes=2-3" });
    expect([first.status, first.body]).toEqual([206, "23"]);
    const several = await get("/thing/1", { Range: "bytes=0-1,-2" });
    expect(several.status).toBe(206);
    expect(several.headers.get("Content-Type")).toMatch(/^multipart\/byteranges; boundary=/);
    expect(several.body).toMatch(/bytes 0-1\/10\r\n\r\n01\r\n--.*bytes 8-9\/10\r\n\r\n89\r\n--/s);
    expect((await get("/thing/1", { "If-Modified-Since": modified })).status).toBe(304);
    expect(calls()).toBe(1);
  });

  it("a purge of a tag from Surrogate-Key or Cache-Tag invalidates the stored response of a cached route", async () => {
    const { get, layer, clock, calls } = serving(
      { freshFor: "1h" },
      saying({ "Surrogate-Key": "one two", "Cache-Tag": "three,four" }),
    );
    for (const [i, tag] of ["two", "three"].entries()) {
      await get("/thing/1");
      expect(calls()).toBe(i + 1);
      const { createTestIsolate } = await import("../../support/isolate.ts");
      const other = createTestIsolate({ namespace: layer.config.namespace });
      await other.layer.coherence.invalidate([`t:${tag}`], other.request().ctx);
      clock.advance(1_001);
    }
    await get("/thing/1");
    expect(calls()).toBe(3);
  });

  it("after a soft purge, a cached route serves the stored response as stale once, and then the refreshed response", async () => {
    const { get, layer, clock, calls } = serving(
      { freshFor: "1h", staleWhileRevalidate: "1h" },
      saying({ "Surrogate-Key": "one" }),
    );
    await get("/thing/1");
    const { createTestIsolate } = await import("../../support/isolate.ts");
    const other = createTestIsolate({ namespace: layer.config.namespace });
    await other.layer.coherence.invalidate(["~t:one"], other.request().ctx);
    clock.advance(1_001);
    const stale = await get("/thing/1");
    expect([stale.body, stale.headers.get("X-Cache-Status")]).toEqual(["1", "STALE"]);
    expect((await get("/thing/1")).body).toBe("2");
    expect(calls()).toBe(2);
  });
});

describe("request directives to a cached route", () => {
  it("a cached route ignores request directives by default", async () => {
    const { get, calls } = serving({ freshFor: "1h" }, saying({}));
    await get("/thing/1");
    for (const control of ["no-cache", "no-store", "max-age=0"])
      await get("/thing/1", { "Cache-Control": control });
    await get("/thing/1", { Pragma: "no-cache" });
    expect(calls()).toBe(1);
  });

  it("a cached route obeys request directives if the option `requestDirectives` is true", async () => {
    const { get, calls } = serving({ freshFor: "1h", requestDirectives: true }, saying({}));
    expect((await get("/thing/1", { "Cache-Control": "only-if-cached" })).status).toBe(504);
    await get("/thing/1");
    expect((await get("/thing/1", { "Cache-Control": "no-cache" })).body).toBe("2");
    expect((await get("/thing/1", { "Cache-Control": "only-if-cached" })).body).toBe("2");
    expect(calls()).toBe(2);
  });
});

describe("the key rules of a cached route", () => {
  it.each([
    ["the order of parameters does not matter", {}, ["?a=1&b=2", "?b=2&a=1"], 1],
    ["all parameters are in the key by default", {}, ["?a=1", "?a=2", ""], 3],
    [
      "`except` leaves parameters out of the key",
      { query: { except: ["utm"] } },
      ["?a=1&utm=x", "?a=1", "?utm=y&a=1"],
      1,
    ],
    [
      "`only` names the parameters in the key",
      { query: { only: ["a"] } },
      ["?a=1&x=1", "?a=1", "?a=2"],
      2,
    ],
    ["`none` leaves all parameters out of the key", { query: "none" }, ["?a=1", ""], 1],
  ] as const)(
    "query parameters in the key of a cached route: %s",
    async (_, key, queries, calls) => {
      const route = serving({ freshFor: "1h", key }, saying({}));
      for (const query of queries) await route.get(`/thing/1${query}`);
      expect(route.calls()).toBe(calls);
    },
  );

  it("the key of a cached route contains the host by default, and a request field or a cookie only if the option `key` names it", async () => {
    const key = { headers: ["X-Plan"], cookies: ["theme"] };
    const { get, send, calls } = serving({ freshFor: "1h", key }, saying({}));
    await get("/thing/1", { "X-Plan": "a", Cookie: "theme=dark; session=1" });
    await get("/thing/1", { "X-Plan": "a", Cookie: "session=2; theme=dark" });
    expect(calls()).toBe(1);
    await get("/thing/1", { "X-Plan": "b", Cookie: "theme=dark" });
    await get("/thing/1", { "X-Plan": "a", Cookie: "theme=light" });
    await send(
      new Request("http://other.test/thing/1", {
        headers: { "X-Plan": "a", Cookie: "theme=dark" },
      }),
    );
    expect(calls()).toBe(4);
  });

  it("the handler of a cached route sees only the members of request.cf that the option `key` names", async () => {
    let seen: unknown;
    const { send } = serving(
      { freshFor: "1h", key: { query: "none", cf: ["colo"] } },
      (_, request) => {
        seen = [request.cf, new URL(request.url).search, request.headers.get("Cookie")];
        return new Response("");
      },
    );
    const init = { cf: { colo: "VIE", country: "AT" }, headers: { Cookie: "a=1" } } as RequestInit;
    await send(new Request("http://x.test/thing/1?a=1", init));
    expect(seen).toEqual([{ colo: "VIE" }, "", null]);
  });

  it("a cached route stores one response for each of two paths of over 2,000 characters that differ only in the last character", async () => {
    const { get, calls } = serving({ freshFor: "1h" }, saying({}));
    const long = `/thing/${"a".repeat(2_000)}`;
    for (const path of [`${long}1`, `${long}2`, `${long}1`])
      expect((await get(path)).status).toBe(200);
    expect(calls()).toBe(2);
  });
});
