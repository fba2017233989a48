import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "../api/client.ts";

const client = createClient();
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const asking = (accept: string, more: Record<string, string> = {}) => ({
  headers: { Accept: accept, ...more },
});

interface Index {
  readonly name: string;
  readonly links: Readonly<Record<string, string>>;
  readonly routes: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}
const indexOf = async (from = client) => (await from.send("/")).json<Index>();

describe("the front door", () => {
  it.each([
    ["of a browser", BROWSER],
    ["that prefers HTML to JSON", "application/json;q=0.5, text/html"],
    ["for any text", "text/*"],
  ])("GET / answers a request with an Accept field %s with the page", async (_, accept) => {
    const response = await client.send("/", asking(accept));
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toContain("text/html");
    expect(await response.text()).toContain("<h1>Strata</h1>");
  });

  it.each([
    ["for any type", "*/*"],
    ["for JSON", "application/json"],
    ["that prefers JSON to HTML", "text/html;q=0.5, application/json"],
    ["that refuses HTML", "text/html;q=0, */*"],
    ["that is malformed", ';;q=,"text/html'],
  ])("GET / answers a request with an Accept field %s with the JSON index", async (_, accept) => {
    const response = await client.send("/", asking(accept));
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ name: "Strata" });
  });

  it("GET / answers a request without an Accept field with the JSON index", async () => {
    expect(await indexOf()).toMatchObject({ name: "Strata", links: { docs: "/docs" } });
  });

  it.each([
    ["page", BROWSER],
    ["JSON index", "*/*"],
  ])(
    "the %s of the front door has Vary: Accept and an ETag, and a request with this ETag gets 304 with the same fields",
    async (_, accept) => {
      const whole = await client.send("/", asking(accept));
      const etag = whole.headers.get("ETag") ?? "";
      expect(etag).toMatch(/^(?:W\/)?"[^"]+"$/);
      const unchanged = await client.send("/", asking(accept, { "If-None-Match": etag }));
      expect(unchanged.status).toBe(304);
      const names = ["Vary", "Cache-Control", "ETag", "Content-Security-Policy"];
      const fields = ({ headers }: Response) => names.map((name) => headers.get(name));
      expect(fields(whole).slice(0, 2)).toEqual(["Accept", "no-cache"]);
      expect(fields(unchanged)).toEqual(fields(whole));
    },
  );

  it("GET / with a query parameter gets the page in a browser, and a 400 that names the parameter in any other client", async () => {
    expect((await client.send("/?utm_source=mail", asking(BROWSER))).status).toBe(200);
    const problem = await problemOf(await client.send("/?utm_source=mail"));
    expect(problem).toMatchObject({ status: 400, errors: [{ field: "utm_source" }] });
  });

  it("the page and the JSON index of the front door have different ETags", async () => {
    const [page, index] = await Promise.all([client.send("/", asking(BROWSER)), client.send("/")]);
    expect(page.headers.get("ETag")).not.toBe(index.headers.get("ETag"));
  });

  it.each([
    ["page", "/", BROWSER],
    ["JSON index", "/", "*/*"],
    ["demo", "/demo", BROWSER],
  ])("HEAD of the %s has the fields of GET and no body", async (_, path, accept) => {
    const [get, head] = await Promise.all([
      client.send(path, asking(accept)),
      client.send(path, { method: "HEAD", ...asking(accept) }),
    ]);
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    for (const name of ["Content-Type", "ETag", "Vary", "Cache-Control"])
      expect(head.headers.get(name), name).toBe(get.headers.get(name));
  });

  it("each link of the JSON index, and each GET route without a parameter in it, answers with a status below 500 other than 404", async () => {
    const { links, routes } = await indexOf();
    expect(Object.keys(links)).toEqual(["demo", "dashboard", "docs", "openapi", "health"]);
    const plain = routes
      .filter((route) => /^GET [^{]*$/.test(route))
      .map((route) => route.slice(4));
    expect(plain).toContain("/categories");
    for (const path of new Set([...Object.values(links), ...plain])) {
      if (path === "/dashboard/live") continue;
      const { status } = await client.send(path, { headers: ADMIN });
      expect(status, path).toBeLessThan(500);
      expect(status, path).not.toBe(404);
    }
  });

  it("the JSON index lists each route once, and no file of a page", async () => {
    const { routes } = await indexOf();
    expect(new Set(routes).size).toBe(routes.length);
    expect(routes).toEqual(
      expect.arrayContaining(["GET /products/{id}", "PATCH /products/{id}/stock"]),
    );
    expect(routes).toContain("GET /admin/limits/{identity}");
    expect(routes.filter((route) => /\{file\}|[*:]|\}\{/.test(route))).toEqual([]);
  });

  it("the JSON index explains the cache, timing and rate-limit fields that answers of the API have", async () => {
    const { headers } = await indexOf();
    const answer = await client.send("/products/1");
    const OTHERS =
      /^(?:content-|cache-control$|vary$|referrer-policy$|x-content-type-options$|x-ratelimit-)/;
    const own = [...answer.headers.keys()].filter((name) => !OTHERS.test(name));
    expect(own).toContain("x-cache-status");
    const explained = Object.keys(headers).map((name) => name.toLowerCase());
    expect(own.filter((name) => !explained.includes(name))).toEqual([]);
  });

  it("without the files of the pages, GET / answers a browser with the JSON index, whose links have no page", async () => {
    const bare = createClient({}, ["ASSETS"]);
    const response = await bare.send("/", asking(BROWSER));
    expect(response.headers.get("Content-Type")).toContain("application/json");
    expect((await response.json<Index>()).links).toEqual({ health: "/health" });
    expect((await bare.send("/demo")).status).toBe(404);
  });

  it("POST / gets a 405 problem that allows HEAD and GET", async () => {
    const response = await client.send("/", { method: "POST" });
    expect(response.headers.get("Allow")).toBe("HEAD, GET");
    expect(await problemOf(response)).toMatchObject({ status: 405 });
  });
});

describe("the files of the front door", () => {
  it("each file that a page of the front door names in an attribute or imports is served, and no other file", async () => {
    const pending = ["/", "/demo"];
    const seen = new Set<string>();
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const response = await client.send(path, asking(BROWSER));
      expect(response.status, path).toBe(200);
      const text = await response.text();
      for (const [, file = ""] of text.matchAll(/(?:src|href)="(front\/[^"]+)"/g))
        pending.push(`/${file}`);
      for (const [, file = ""] of text.matchAll(/from "\.\/([^"]+)"/g))
        pending.push(`/front/${file}`);
    }
    expect(seen.size).toBeGreaterThan(12);
    const others = ["/front/", "/front/index.html", "/front/demo.html", "/front/..%2Fapp.js"];
    for (const path of [...others, "/dashboard/front.js", "/dashboard/index.html"])
      for (const method of ["GET", "HEAD"])
        expect((await client.send(path, { method })).status, `${method} ${path}`).toBe(404);
  });

  it("the pages of the front door have no inline script, no inline style and no address of another origin", async () => {
    for (const path of ["/", "/demo"]) {
      const response = await client.send(path, asking(BROWSER));
      expect(response.headers.get("Content-Security-Policy")).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;/,
      );
      const text = await response.text();
      expect(text.match(/<style|<script(?![^>]*src=)|style="| on\w+="/g), path).toBeNull();
      const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to);
      expect(
        addresses.filter((to) => /^(?:\w+:)?\/\//.test(to ?? "")),
        path,
      ).toEqual([]);
    }
  });
});

describe("an origin at the root", () => {
  const realFetch = globalThis.fetch;
  afterEach(() => void (globalThis.fetch = realFetch));

  it("with ORIGIN_AT_ROOT, the origin answers /, /demo and /front/style.css, and /__strata has no front door", async () => {
    const asked: string[] = [];
    globalThis.fetch = async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      if (url.hostname !== "origin.example") return realFetch(input, init);
      asked.push(url.pathname);
      return new Response("of the origin");
    };
    const proxy = createClient({ ORIGIN_URL: "http://origin.example", ORIGIN_AT_ROOT: "1" });
    const paths = ["/", "/demo", "/front/style.css"];
    for (const path of paths) {
      const response = await proxy.send(path, asking(BROWSER));
      expect([path, await response.text()]).toEqual([path, "of the origin"]);
    }
    expect(asked).toEqual(paths);
    for (const path of ["/__strata", "/__strata/", "/__strata/demo"])
      expect((await proxy.send(path, asking(BROWSER))).status, path).toBe(404);
    expect((await proxy.send("/__strata/health")).status).toBe(200);
  });
});

it("the tests of the front door have the binding ASSETS with the files of the pages", () => {
  expect(env.ASSETS).toBeDefined();
});
