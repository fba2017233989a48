import { describe, expect, it } from "vitest";
import { cached, type CachedOptions } from "../../../../src/index.ts";
import { createCarelessApp } from "./careless-app.ts";

/** Sends two requests to a route that reflects them. Returns whether they shared one response. */
async function share(
  one: readonly [path: string, headers?: Record<string, string>],
  other: readonly [path: string, headers?: Record<string, string>],
  key: CachedOptions["key"] = {},
): Promise<boolean> {
  let calls = 0;
  const { get } = createCarelessApp((app) =>
    app.get("/*", cached({ freshFor: "1h", key }), (c) => c.text(`${++calls} ${c.req.url}`)),
  );
  await get(...one);
  await get(...other);
  return calls === 1;
}

describe("the keys of cached routes keep every difference that a handler can see", () => {
  it.each([
    ["two bytes that are no UTF-8", "/?q=%E4", "/?q=%F6"],
    ["a byte that is no UTF-8, and U+FFFD", "/?q=%E4", "/?q=%EF%BF%BD"],
    ["a plus sign and %2B", "/?q=a+b", "/?q=a%2Bb"],
    ["a slash and %2F in the path", "/a/b", "/a%2Fb"],
    ["a slash and %2F in the query", "/?q=a/b", "/?q=a%2fb%2f"],
    ["an ampersand in a value and between parameters", "/?a=1%26b=2", "/?a=1&b=2"],
    ["a parameter without a value, and none", "/?a", "/"],
    ["the order of two values of one parameter", "/?a=1&a=2", "/?a=2&a=1"],
    ["the order of two values under two spellings of a name", "/?a=1&%61=2", "/?%61=2&a=1"],
    ["a byte in the path that is no UTF-8", "/%E4", "/%F6"],
    [
      "long queries that differ in such a byte",
      `/?q=${"a".repeat(600)}%E4`,
      `/?q=${"a".repeat(600)}%F6`,
    ],
  ])(
    "%s: two URLs that differ only in this do not share a stored response of a cached route",
    async (_, one, other) => {
      expect(await share([one], [other])).toBe(false);
    },
  );

  it("two requests whose Cookie fields differ only after an unclosed quote do not share a stored response of a cached route", async () => {
    const key = { cookies: ["theme"] };
    const one = { Cookie: 'theme="a; theme=b' };
    const other = { Cookie: 'theme="a; theme=c' };
    expect(await share(["/", one], ["/", other], key)).toBe(false);
  });

  it("a cookie without a value, `themes`, does not reach the handler as the cookie `theme` that the key names", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ freshFor: "1h", key: { cookies: ["theme"] } }), (c) =>
        c.text(c.req.header("Cookie") ?? "none"),
      ),
    );
    expect((await get("/", { Cookie: "themes" })).body).toBe("none");
  });

  it("a request without a field that the key names and a request with an empty value of that field do not share a stored response", async () => {
    const key = { headers: ["X-Plan"] };
    expect(await share(["/", { "X-Plan": "" }], ["/", {}], key)).toBe(false);
  });

  it("the handler of a cached route sees the query parameters sorted by name, whatever their order in the request", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ freshFor: "1h" }), (c) => c.text(new URL(c.req.url).search)),
    );
    expect((await get("/?b=2&a=%E4&&a=1")).body).toBe("?a=%E4&a=1&b=2");
    expect((await get("/?a=%E4&b=2&a=1")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("the handler of a cached route does not see a query parameter that the key excludes, even if its name is percent-encoded", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached({ freshFor: "1h", key: { query: { except: ["utm"] } } }), (c) =>
        c.text(`${new URL(c.req.url).search} ${c.req.query("utm")}`),
      ),
    );
    expect((await get("/?%75tm=evil&utm=evil&a=%E4")).body).toBe("?a=%E4 undefined");
  });
});
