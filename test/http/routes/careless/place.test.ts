import { describe, expect, it } from "vitest";
import { cached } from "../../../../src/index.ts";
import { createCarelessApp } from "./careless-app.ts";

const HOUR = { freshFor: "1h" } as const;

describe("a cached route whose handler reads where the client is", () => {
  const at = (country: string, path = "http://x.test/") =>
    new Request(path, { cf: { country, colo: "VIE" } });

  it("a cached route whose handler reads request.cf.country does not serve a page for one country to another country", async () => {
    const { send } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) => c.text(String(c.req.raw.cf?.["country"]))),
    );
    await send(at("AT"));
    expect((await send(at("DE"))).body).toBe("undefined");
  });

  it("a cached route whose key names `country` of request.cf stores a page for each country, and its handler sees no other member of request.cf", async () => {
    let calls = 0;
    const { send } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { cf: ["country"] } }), (c) =>
        c.json([++calls, c.req.raw.cf?.["country"], c.req.raw.cf?.["colo"]]),
      ),
    );
    const bodies = [];
    for (const country of ["AT", "DE", "AT"]) bodies.push((await send(at(country))).body);
    expect(bodies).toEqual(['[1,"AT",null]', '[2,"DE",null]', '[1,"AT",null]']);
  });

  it("a link that a cached route makes from the host of one request is not served to clients of another host", async () => {
    const { send } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.text(`${new URL("/reset", c.req.url).href} ${c.req.header("Host") ?? ""}`),
      ),
    );
    await send(new Request("http://evil.test/", { headers: { Host: "evil.test" } }));
    expect((await send(new Request("http://good.test/"))).body).toContain("http://good.test/reset");
    expect((await send(new Request("http://good.test/"))).body).not.toContain("evil");
  });

  it("a Host field that differs from the host of the URL does not reach the handler of a cached route", async () => {
    const { get } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) => c.text(`//${c.req.header("Host")}/reset`)),
    );
    await get("/", { Host: "evil.test" });
    expect((await get("/")).body).not.toContain("evil");
  });

  it("a redirect from http to https that a cached route sends to one client is not served to requests over https", async () => {
    const { send } = createCarelessApp((app) =>
      app.get("/", cached(HOUR), (c) =>
        c.req.url.startsWith("http:") ? c.redirect("https://x.test/", 301) : c.text("page"),
      ),
    );
    expect((await send(new Request("http://x.test/"))).status).toBe(301);
    expect((await send(new Request("https://x.test/"))).body).toBe("page");
  });

  it("with `host: false` in the key of a cached route, the handler sees no host of the request, and two hosts share a stored response", async () => {
    const { send } = createCarelessApp((app) =>
      app.get("/", cached({ ...HOUR, key: { host: false } }), (c) =>
        c.text(`${c.req.url} ${c.req.header("Host")}`),
      ),
    );
    await send(new Request("http://evil.test/", { headers: { Host: "evil.test" } }));
    const { body, headers } = await send(new Request("http://good.test/"));
    expect([body, headers.get("X-Cache-Status")]).toEqual([
      "https://unkeyed.invalid/ undefined",
      "HIT",
    ]);
  });
});
