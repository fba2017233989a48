import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

/** The URLs that the origin gets, and the status of the answer. */
async function reached(path: string, options = { prefix: "/origin" }) {
  const p = createProxy(options);
  p.answers({});
  const { status } = await p.get({}, path);
  return { status, urls: p.seen.map(({ url }) => url) };
}

describe("the prefix of the proxy", () => {
  it.each([
    ["/%6frigin/admin", "/admin"],
    ["/%6F%72igin/admin?a=%6f", "/admin?a=%6f"],
    ["/%6frigin", "/"],
    ["/origin/%6frigin/%zz%2f", "/%6frigin/%zz%2f"],
    ["/origin//admin", "//admin"],
  ])("with the proxy prefix /origin, a GET of %s reaches the origin as %s", async (path, own) => {
    expect(await reached(path)).toEqual({ status: 200, urls: [`http://origin.test${own}`] });
  });

  it.each([
    "/originals/x",
    "/origin%2fadmin",
    "/%256frigin/admin",
    "/ORIGIN/admin",
    "/o%zzrigin/admin",
    "/origin/%2e%2e/admin",
    "/origin/../admin",
    "/admin",
  ])("with the proxy prefix /origin, a GET of %s gets a 404 and is not forwarded", async (path) => {
    expect(await reached(path)).toEqual({ status: 404, urls: [] });
  });

  it("the proxy removes a prefix completely if the prefix has several segments or ends with a slash", async () => {
    const urls = ["http://origin.test/x"];
    expect((await reached("/%61/b/x", { prefix: "/a/b" })).urls).toEqual(urls);
    expect((await reached("/a/b/x", { prefix: "/a/b/" })).urls).toEqual(urls);
  });

  it("a write whose Location names /originals/x, outside the proxy prefix /origin, does not invalidate the response of /origin/als/x", async () => {
    const p = createProxy({ prefix: "/origin" });
    const host = "a.test";
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    await p.send({ host, path: "/origin/als/x" });
    p.answers({ headers: { Location: "http://a.test/originals/x" } });
    await p.send({ host, path: "/origin/z", method: "POST" });
    expect((await p.send({ host, path: "/origin/als/x" })).cache).toBe("HIT");
  });

  it("a write whose Location names a URI of the origin with user information invalidates the response for that URI", async () => {
    const p = createProxy();
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    await p.get({}, "/y?a");
    p.answers({ headers: { Location: "http://user:secret@origin.test/y?a#part" } });
    await p.send({ path: "/z", method: "POST" });
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    expect((await p.get({}, "/y?a")).cache).toBe("MISS");
  });
});
