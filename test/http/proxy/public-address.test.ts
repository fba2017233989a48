import { describe, expect, it } from "vitest";
import { createProxy, type Scripted } from "../../conformance/proxy.ts";

const HOST = "public.test";

/** The field `name` of the client's response if the origin's response has it with `value`. */
async function seenByClient(
  name: string,
  value: string,
  options: Parameters<typeof createProxy>[0] = {},
): Promise<string | null> {
  const p = createProxy(options);
  p.answers({ status: 201, headers: { [name]: value } });
  const path = `${options.prefix ?? ""}/x`;
  return (await p.send({ host: HOST, path })).headers.get(name);
}

const AT_ROOT = {};
const AT_PREFIX = { prefix: "/origin" };
const WITH_BASE = { origin: "http://origin.test:8080/app", prefix: "/origin" };

describe("URIs of the origin's own address in a response", () => {
  it.each([
    ["http://origin.test/y?z=1#f", AT_ROOT, "http://public.test/y?z=1#f"],
    ["https://origin.test/y", AT_ROOT, "http://public.test/y"],
    ["//ORIGIN.test/y", AT_ROOT, "http://public.test/y"],
    ["http://origin.test", AT_ROOT, "http://public.test/"],
    ["http://origin.test?a", AT_ROOT, "http://public.test/?a"],
    ["/y", AT_ROOT, "/y"],
    ["y/z", AT_ROOT, "y/z"],
    ["?a=1", AT_ROOT, "?a=1"],
    ["http://origin.test:81/y", AT_ROOT, "http://origin.test:81/y"],
    ["http://origin.test.evil/y", AT_ROOT, "http://origin.test.evil/y"],
    ["http://origin.test@evil.test/y", AT_ROOT, "http://origin.test@evil.test/y"],
    ["http://other.test/y", AT_ROOT, "http://other.test/y"],
    ["mailto:a@origin.test", AT_ROOT, "mailto:a@origin.test"],
    ["http://origin.test/y", AT_PREFIX, "http://public.test/origin/y"],
    ["/y?z=1", AT_PREFIX, "/origin/y?z=1"],
    ["../y", AT_PREFIX, "../y"],
    ["//other.test/y", AT_PREFIX, "//other.test/y"],
    ["/\\other.test/y", AT_PREFIX, "/\\other.test/y"],
    ["http://origin.test:8080/app/y", WITH_BASE, "http://public.test/origin/y"],
    ["/app/y", WITH_BASE, "/origin/y"],
    ["/apple", WITH_BASE, "/apple"],
    ["/other", WITH_BASE, "/other"],
    ["http://origin.test:8080/other", WITH_BASE, "http://origin.test:8080/other"],
  ])(
    "the origin's Location or Content-Location %s, with the proxy options %j, reaches the client as %s",
    async (value, options, expected) => {
      expect(await seenByClient("Location", value, options)).toBe(expected);
      expect(await seenByClient("Content-Location", value, options)).toBe(expected);
    },
  );

  it("the proxy rewrites each of the origin's URIs in the response field Link to the public URI, and does not change text in quotes", async () => {
    const links = '<http://origin.test/a>; rel=next; title="<http://origin.test/b>", </c>; rel=x';
    expect(await seenByClient("Link", links, AT_PREFIX)).toBe(
      '<http://public.test/origin/a>; rel=next; title="<http://origin.test/b>", </origin/c>; rel=x',
    );
    expect(await seenByClient("Link", '</a>; title="open, </b>', AT_PREFIX)).toBe(
      '</origin/a>; title="open, </b>',
    );
  });

  it("a stored redirect has a Location on the client's host before and after a 304 confirms the redirect", async () => {
    const p = createProxy(AT_PREFIX);
    const redirect = (status: number): Scripted => ({
      status,
      headers: { "Cache-Control": "max-age=10", ETag: '"a"', Location: "http://origin.test/y" },
    });
    p.answers(redirect(301), redirect(304));
    const get = async () =>
      (await p.send({ host: HOST, path: "/origin/x" })).headers.get("Location");
    expect([await get(), await get()]).toEqual(Array(2).fill("http://public.test/origin/y"));
    p.advance(11);
    expect(await get()).toBe("http://public.test/origin/y");
  });

  it("a write whose Location names the origin's path /y invalidates the stored response of the public path /origin/y", async () => {
    const p = createProxy(AT_PREFIX);
    const read = () => p.send({ host: HOST, path: "/origin/y" });
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    await read();
    p.answers({ status: 201, headers: { Location: "/y" } });
    await p.send({ host: HOST, path: "/origin/z", method: "POST" });
    p.answers({ headers: { "Cache-Control": "max-age=3600" } });
    expect((await read()).cache).toBe("MISS");
  });
});

describe("response fields for the origin's own host", () => {
  it("Service-Worker-Allowed of the origin does not reach the client", async () => {
    expect(await seenByClient("Service-Worker-Allowed", "/", AT_PREFIX)).toBeNull();
  });
});
