/** Attack: a client gets the response to another client's request with credentials. */
import { describe, expect, it } from "vitest";
import { createProxy, type Proxy, type Scripted } from "../../../conformance/proxy.ts";

const VICTIM = { Cookie: "sid=VICTIM" };
const CREDENTIALS = [
  ["Cookie", "sid=VICTIM"],
  ["Authorization", "Bearer VICTIM"],
  ["X-API-Key", "VICTIM"],
  ["X-Auth-Token", "VICTIM"],
  ["Cf-Access-Jwt-Assertion", "VICTIM"],
] as const;

/** An application with sessions: it answers each client by its credentials, and says nothing about caching. */
function page(p: Proxy, headers: NonNullable<Scripted["headers"]>): void {
  p.answers((request) => {
    const credentials = CREDENTIALS.map(([name]) => request.headers.get(name)).find(Boolean);
    const body = `page of ${credentials ?? "nobody"}`;
    const etag = `"${body.length}-${body.slice(8)}"`;
    if (headers["ETag"] !== undefined && request.headers.get("If-None-Match") === etag)
      return { status: 304, headers: { ...headers, ETag: etag } };
    return { headers: { ...headers, ...(headers["ETag"] !== undefined && { ETag: etag }) }, body };
  });
}

function modified(p: Proxy): Record<string, string> {
  return { "Last-Modified": p.date(-1_000_000) };
}

describe("a response to a request with credentials", () => {
  it.each(CREDENTIALS)(
    "a page with only Last-Modified for a request with %s is not given to another client",
    async (name, value) => {
      const p = createProxy({ sharing: "safe" });
      page(p, modified(p));
      expect((await p.get({ [name]: value })).body).toContain("VICTIM");
      const stranger = await p.get();
      expect([stranger.body, stranger.cache]).not.toContain("HIT");
      expect(stranger.body).toBe("page of nobody");
    },
  );

  it.each(CREDENTIALS)(
    "a page with max-age for a request with %s is not given to another client",
    async (name, value) => {
      const p = createProxy({ sharing: "safe" });
      page(p, { "Cache-Control": "max-age=60" });
      await p.get({ [name]: value });
      expect((await p.get()).body).toBe("page of nobody");
    },
  );

  it("must-revalidate is no permission to share a page of a request with credentials", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { "Cache-Control": "max-age=60, must-revalidate" });
    await p.get({ Authorization: "Bearer VICTIM" });
    expect((await p.get()).body).toBe("page of nobody");
  });

  it.each([
    { "Cache-Control": "public, max-age=60" },
    { "Cache-Control": "s-maxage=60" },
    { "Cache-Control": "no-store", "CDN-Cache-Control": "max-age=60" },
  ])(
    "a page that permits sharing is shared although its request has a cookie: %j",
    async (headers) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers, body: "public" });
      await p.get(VICTIM);
      const other = await p.get();
      expect([other.body, other.cache]).toEqual(["public", "HIT"]);
    },
  );

  it("CDN-Cache-Control without a lifetime is no permission to share", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ...modified(p), "CDN-Cache-Control": "must-revalidate" });
    await p.get(VICTIM);
    expect((await p.get()).body).toBe("page of nobody");
  });

  it("a header that the configuration names counts as credentials, and the default ones do not then", async () => {
    const p = createProxy({ sharing: "safe", credentialHeaders: ["X-Session"] });
    p.answers((request) => ({
      headers: { "Cache-Control": "max-age=60" },
      body: request.headers.get("X-Session") ?? "nobody",
    }));
    await p.get({ "X-Session": "VICTIM" }, "/session");
    expect((await p.get({}, "/session")).body).toBe("nobody");
    await p.get({ "X-API-Key": "1" }, "/key");
    expect((await p.get({}, "/key")).cache).toBe("HIT");
  });

  it("in rfc mode a cookie is no credential", async () => {
    const p = createProxy({ sharing: "rfc" });
    page(p, { "Cache-Control": "max-age=60" });
    await p.get(VICTIM);
    expect((await p.get()).body).toBe("page of sid=VICTIM");
  });

  it("a stranger with max-stale does not get a victim's page that has only an ETag", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    expect((await p.get({ "Cache-Control": "max-stale" })).body).toBe("page of nobody");
  });

  it("a stranger who provokes a 500 with stale-if-error does not get a victim's page", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    p.answers({ status: 500, body: "error" });
    expect((await p.get({ "Cache-Control": "stale-if-error=999" })).body).toBe("error");
  });

  it("a stranger who comes while the origin is down does not get a victim's page", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
  });

  it("a 304 to a victim does not make a page of other clients fresh", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=1", ETag: '"a"' }, body: "shared" });
    await p.get();
    p.advance(2);
    p.answers({
      status: 304,
      headers: { "Cache-Control": "max-age=600", ETag: '"a"', Foo: "VICTIM" },
    });
    expect((await p.get(VICTIM)).body).toBe("shared");
    p.answers({ headers: { "Cache-Control": "max-age=600" }, body: "new" });
    const other = await p.get();
    expect([other.body, other.headers.get("Foo")]).toEqual(["new", null]);
  });
});

describe("the marker after a response to a request with credentials", () => {
  it("a victim's private page leaves no marker for clients without credentials", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "private" } });
    await p.get(VICTIM);
    p.answers({ headers: { "Cache-Control": "max-age=60" }, body: "shared" });
    // Another isolate has stored the page. An isolate with a marker would not look for it.
    await p.sibling().get();
    const asked = p.seen.length;
    const answer = await p.get();
    expect([answer.body, answer.cache, p.seen.length]).toEqual(["shared", "HIT", asked]);
  });

  it("a private page for clients without credentials leaves a marker, whatever directives they send", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "private" }, body: "private" });
    await p.get({ "Cache-Control": "no-cache" });
    p.answers({ headers: { "Cache-Control": "max-age=60" }, body: "shared" });
    await p.sibling().get();
    const asked = p.seen.length;
    expect((await p.get()).cache).toBe("MISS");
    expect(p.seen.length).toBe(asked + 1);
  });
});
