import { describe, expect, it } from "vitest";
import { dashboardRoutes } from "../../src/dashboard/routes.ts";
import { ADMIN, createClient } from "./client.ts";

const client = createClient();

const FIELDS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
};

const shown = ({ headers }: Response) =>
  Object.fromEntries(Object.keys(FIELDS).map((name) => [name, headers.get(name)]));

describe("security fields", () => {
  it.each([
    ["GET", "/products/1", 200],
    ["GET", "/products", 200],
    ["GET", "/products?category=3&page=99", 200],
    ["GET", "/categories", 200],
    ["GET", "/users/1", 200],
    ["GET", "/users?ids=1,2", 200],
    ["GET", "/health", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/docs", 200],
    ["GET", "/docs/page.js", 200],
    ["GET", "/docs/openapi.json", 404],
    ["GET", "/", 200],
    ["GET", "/demo", 200],
    ["GET", "/front/style.css", 200],
    ["GET", "/metrics", 200],
    ["GET", "/admin/entry?key=product:1", 200],
    ["GET", "/products/0", 400],
    ["GET", "/products/2000000002", 404],
    ["GET", "/nothing", 404],
    ["DELETE", "/health", 405],
    ["POST", "/products", 415],
  ])(
    "the response to %s %s has X-Content-Type-Options, Content-Security-Policy and Referrer-Policy",
    async (method, path, status) => {
      for (const which of ["first", "cached"]) {
        const response = await client.send(path, { method, headers: ADMIN });
        expect(response.status, which).toBe(status);
        expect(shown(response), which).toEqual(FIELDS);
      }
    },
  );

  it("responses with status 304, 401 and 429 have X-Content-Type-Options, Content-Security-Policy and Referrer-Policy", async () => {
    const etag = (await client.send("/products/3")).headers.get("ETag") ?? "";
    const unchanged = await client.send("/products/3", { headers: { "If-None-Match": etag } });
    const unauthorized = await client.send("/products", { method: "POST" });
    const from = { headers: { "CF-Connecting-IP": "192.0.2.77" } };
    let refused = await client.send("/health", from);
    for (let i = 0; i < 120; i++) refused = await client.send("/health", from);
    const responses = [unchanged, unauthorized, refused];
    expect(responses.map(({ status }) => status)).toEqual([304, 401, 429]);
    for (const response of responses) expect(shown(response)).toEqual(FIELDS);
  });

  it("the Content-Security-Policy of /docs allows scripts, styles and requests of its own origin only, and the page has no inline script and no inline style", async () => {
    const page = await client.send("/docs");
    expect(page.headers.get("Content-Security-Policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(page.headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
    const text = await page.text();
    expect(text.match(/<style|<script>|style="|<img| on\w+="|https?:/g)).toBeNull();
  });

  it("dashboard responses have X-Content-Type-Options, Content-Security-Policy and Referrer-Policy", async () => {
    const routes = dashboardRoutes({
      assets: { fetch: () => Promise.resolve(new Response("file")) },
      metrics: client.isolate.layer.metrics,
      guard: (_c, next) => next(),
      unreachableForMs: 60_000,
      queue: () => Promise.reject(new Error("no database here")),
    });
    for (const path of ["/", "/app.js", "/style.css"])
      expect(shown(await routes.request(path)), path).toEqual(FIELDS);
  });
});
