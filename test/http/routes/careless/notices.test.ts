import { getCookie } from "hono/cookie";
import { describe, expect, it } from "vitest";
import { cached, key, keysOf, definePolicy } from "../../../../src/index.ts";
import { createCarelessApp, type CarelessRoutes } from "./careless-app.ts";

const HOUR = { freshFor: "1h" } as const;
const carts = definePolicy(HOUR);

/** The lines that development prints about the requests. */
async function linesOf(
  routes: CarelessRoutes,
  requests: readonly Request[] = [
    new Request("http://x.test/", { headers: { Cookie: "sid=ada" } }),
  ],
): Promise<readonly string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: unknown) => lines.push(String(line));
  try {
    const { send } = createCarelessApp(routes);
    for (const request of requests) await send(request);
  } finally {
    console.log = log;
  }
  return lines.filter((line) => line.startsWith("strata:"));
}

describe("the notices of development about cached routes", () => {
  it.each<[string, CarelessRoutes, string, string]>([
    [
      "a variable",
      (app) => app.get("/", cached(HOUR), (c) => c.text(String(c.get("user")))),
      "the variable user",
      'key: { variables: ["user"] }, or shared: ["user"]',
    ],
    [
      "a cookie",
      (app) => app.get("/", cached(HOUR), (c) => c.text(String(getCookie(c, "sid")))),
      "the request field cookie",
      "key: { cookies:",
    ],
    [
      "a tenant's data",
      (app) =>
        app.get("/", cached(HOUR), async (c) => {
          await c.var.strata.cache.read(keysOf({ tenant: "t" })("cart", 1), carts, async () => 1);
          return c.text("page");
        }),
      "the data of a tenant",
      "keysOf({ tenant })",
    ],
    [
      "a path parameter",
      (app) =>
        app.get("/:page{.*}", cached({ ...HOUR, key: () => key("page", 1) }), (c) =>
          c.text(c.req.param("page")),
        ),
      "the path parameter page",
      'c.req.param("page")',
    ],
  ])(
    "in development, a handler that reads %s outside the key causes a notice that names the route, the place in the code and the fix",
    async (_, routes, part, fix) => {
      const lines = await linesOf(routes);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(part);
      expect(lines[0]).toContain(fix);
      expect(lines[0]).toMatch(/the handler of \/\S* read .*notices\.test\.ts/);
    },
  );

  it("in development, a handler that reads a member of request.cf outside the key causes a notice with the key option for that member", async () => {
    const request = new Request("http://x.test/", { cf: { country: "AT" } });
    const lines = await linesOf(
      (app) => app.get("/", cached(HOUR), (c) => c.text(String(c.req.raw.cf?.["country"]))),
      [request],
    );
    expect(lines).toEqual([expect.stringContaining('key: { cf: ["country"] }')]);
  });

  it("in development, three requests to a route whose handler reads the same request field outside the key cause one notice", async () => {
    const requests = [1, 2, 3].map(
      (page) => new Request(`http://x.test/${page}`, { headers: { "User-Agent": `${page}` } }),
    );
    const lines = await linesOf(
      (app) => app.get("/:page", cached(HOUR), (c) => c.text(c.req.header("User-Agent") ?? "none")),
      requests,
    );
    expect(lines).toEqual([expect.stringContaining('key: { headers: ["user-agent"] }')]);
  });

  it("in development, a handler that reads an absent request field, or a cookie that the key names, causes no notice", async () => {
    const request = new Request("http://x.test/", { headers: { Cookie: "sid=ada; theme=dark" } });
    const lines = await linesOf(
      (app) =>
        app.get("/", cached({ ...HOUR, key: { cookies: ["sid"] } }), (c) =>
          c.text([c.req.header("X-None"), getCookie(c, "sid"), c.req.header("Accept")].join()),
        ),
      [request],
    );
    expect(lines).toEqual([]);
  });
});
