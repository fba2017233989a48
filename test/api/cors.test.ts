import { describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import { FIELDS } from "../../src/api/operations/fields.ts";
import { ADMIN, createClient, type Client } from "./client.ts";

const SHOP = "https://shop.example";
const ADMIN_PAGE = "https://admin.example:8443";
const STRANGER = "https://stranger.example";

const corsFieldsOf = ({ headers }: Response) =>
  Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"),
  );
const from = (origin: string) => ({ headers: { Origin: origin } });
const preflight = (origin: string) => ({
  method: "OPTIONS",
  headers: { Origin: origin, "Access-Control-Request-Method": "PATCH" },
});
const listing = (extra = {}) => createClient({ CORS_ORIGINS: `${SHOP}, ${ADMIN_PAGE}`, ...extra });

describe("CORS without CORS_ORIGINS", () => {
  it("no answer has a CORS field, and OPTIONS lists the methods of the route", async () => {
    const { send } = createClient();
    expect(corsFieldsOf(await send("/products/1", from(SHOP)))).toEqual({});
    const options = await send("/products/1", preflight(SHOP));
    expect(corsFieldsOf(options)).toEqual({});
    expect(options.headers.get("Allow")).toBe("HEAD, GET, PUT, PATCH, DELETE");
  });
});

describe("CORS with a list of origins", () => {
  it.each(["/products/1", "/products?page=1"])(
    "pages of two listed origins, of another origin and of none share the entry of %s, and each answer allows its own page only",
    async (path) => {
      const { send } = listing();
      const seen = [];
      for (const origin of [SHOP, ADMIN_PAGE, STRANGER, undefined, SHOP]) {
        const answer = await send(path, origin === undefined ? {} : from(origin));
        const { vary, "access-control-allow-origin": allowed } = corsFieldsOf(answer);
        seen.push([answer.headers.get("X-Cache-Status"), allowed, vary]);
      }
      expect(seen).toEqual([
        ["MISS", SHOP, "Origin"],
        ["HIT", ADMIN_PAGE, "Origin"],
        ["HIT", undefined, "Origin"],
        ["HIT", undefined, "Origin"],
        ["HIT", SHOP, "Origin"],
      ]);
    },
  );

  it("a page of a listed origin may read a 304, a 400, a 401, a 404 and a 429, and the Vary of a route keeps its names", async () => {
    const { send } = listing({ STRATA_DEV: "" });
    const ip = { "CF-Connecting-IP": "192.0.2.9", Origin: SHOP };
    const list = await send("/users?ids=1", { headers: ip });
    const tag = list.headers.get("ETag") ?? "";
    const refusals = [
      list,
      await send("/users?ids=1", { headers: { ...ip, "If-None-Match": tag } }),
      await send("/products/0", { headers: ip }),
      await send("/products", { method: "POST", headers: ip }),
      await send("/nothing", { headers: ip }),
    ];
    for (let i = 0; i < 120; i++) await send("/health/live", { headers: ip });
    refusals.push(await send("/health/live", { headers: ip }));
    expect(refusals.map(({ status }) => status)).toEqual([200, 304, 400, 401, 404, 429]);
    for (const answer of refusals)
      expect(answer.headers.get("Access-Control-Allow-Origin"), String(answer.status)).toBe(SHOP);
    expect(list.headers.get("Vary")).toBe("Authorization, Origin");
  });

  it("a page may read every response field of the API reference except Set-Cookie, Accept and Upgrade", async () => {
    const answer = await listing().send("/products/1", from(SHOP));
    const exposed = answer.headers.get("Access-Control-Expose-Headers")?.split(", ");
    const named = Object.keys(FIELDS).filter(
      (name) => !["Set-Cookie", "Accept", "Upgrade"].includes(name),
    );
    expect(exposed?.toSorted()).toEqual(named.toSorted());
  });

  it("a preflight of a listed origin is answered with the methods and fields for any path, without a token of a rate limit", async () => {
    const { send } = listing();
    const answer = await send("/products/1", preflight(SHOP));
    expect(answer.status).toBe(204);
    expect(answer.headers.has("RateLimit")).toBe(false);
    expect(corsFieldsOf(answer)).toEqual({
      vary: "Origin",
      "access-control-allow-origin": SHOP,
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers": expect.stringContaining("Authorization, Content-Type"),
      "access-control-max-age": "7200",
    });
  });

  it("a preflight of an origin that is not listed is answered without permission", async () => {
    for (const origin of [STRANGER, "null", `${SHOP}.evil.example`, "http://shop.example"])
      expect(corsFieldsOf(await listing().send("/products/1", preflight(origin)))).toEqual({
        vary: "Origin",
      });
  });

  it("an OPTIONS request that is no preflight gets the methods of the route, readable for the page", async () => {
    const answer = await listing().send("/products", { ...from(SHOP), method: "OPTIONS" });
    expect(answer.headers.get("Allow")).toBe("HEAD, GET, POST");
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(SHOP);
  });

  it("answers allow cookies only with CORS_CREDENTIALS=1, and only to a listed origin", async () => {
    const allows = async (client: Client, origin: string) =>
      (await client.send("/products/1", from(origin))).headers.get(
        "Access-Control-Allow-Credentials",
      );
    expect(await allows(listing(), SHOP)).toBeNull();
    expect(await allows(listing({ CORS_CREDENTIALS: "1" }), SHOP)).toBe("true");
    expect(await allows(listing({ CORS_CREDENTIALS: "1" }), STRANGER)).toBeNull();
  });
});

describe("CORS with *", () => {
  it("every page may read every answer, without a Vary and without cookies", async () => {
    const { send } = createClient({ CORS_ORIGINS: "*" });
    for (const answer of [
      await send("/products/1", from(STRANGER)),
      await send("/products/1"),
      await send("/admin/degradation", { headers: { ...ADMIN, Origin: STRANGER } }),
    ]) {
      const { "access-control-expose-headers": _exposed, ...fields } = corsFieldsOf(answer);
      expect(fields).toEqual({ "access-control-allow-origin": "*" });
    }
  });
});

describe("CORS of a proxied origin", () => {
  /** The application before an origin that allows its own pages. */
  function proxying(bindings = {}) {
    const { isolate } = createClient({
      CORS_ORIGINS: "*",
      ORIGIN_URL: "http://origin.example",
      ...bindings,
    });
    const { layer } = isolate;
    const app: ReturnType<typeof createApp> = createApp({
      ...layer,
      scope: layer.middleware(async (request, c) => app.fetch(request, c.env, c.executionCtx)),
      assets: undefined,
      dashboard: undefined,
      front: undefined,
      runDry: () => Promise.reject(new Error("no dry runs here")),
      tracedFetch: async (_url, init) =>
        new Response(init?.method, {
          headers: { "Access-Control-Allow-Origin": SHOP, "Cache-Control": "max-age=60" },
        }),
    });
    return async (path: string, init: RequestInit) => {
      const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined };
      return app.request(`http://strata.test${path}`, init, {}, ctx as never);
    };
  }

  it.each([
    ["/origin/page", {}],
    ["/%6frigin/page", {}],
    ["/page", { ORIGIN_AT_ROOT: "1" }],
  ])(
    "GET and OPTIONS of %s have the CORS fields of the origin, unchanged",
    async (path, bindings) => {
      const send = proxying(bindings);
      for (const init of [from(STRANGER), preflight(STRANGER)]) {
        const answer = await send(path, init);
        expect(answer.status).toBe(200);
        expect(corsFieldsOf(answer)).toEqual({ "access-control-allow-origin": SHOP });
      }
    },
  );

  it("the Worker's own routes beside a proxied origin have the CORS fields of CORS_ORIGINS", async () => {
    for (const [path, bindings] of [
      ["/health/live", {}],
      ["/__strata/health/live", { ORIGIN_AT_ROOT: "1" }],
    ] as const) {
      const answer = await proxying(bindings)(path, from(STRANGER));
      expect(answer.headers.get("Access-Control-Allow-Origin"), path).toBe("*");
    }
  });
});
