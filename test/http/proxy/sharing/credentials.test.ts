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
    "in safe mode, a response with only Last-Modified to a request with %s is not sent to another client",
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
    "in safe mode, a response with max-age to a request with %s is not sent to another client",
    async (name, value) => {
      const p = createProxy({ sharing: "safe" });
      page(p, { "Cache-Control": "max-age=60" });
      await p.get({ [name]: value });
      expect((await p.get()).body).toBe("page of nobody");
    },
  );

  it("in safe mode, a response with must-revalidate to a request with Authorization is not sent to another client", async () => {
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
    "in safe mode, a response with %j to a request with a cookie is stored and sent to another client",
    async (headers) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers, body: "public" });
      await p.get(VICTIM);
      const other = await p.get();
      expect([other.body, other.cache]).toEqual(["public", "HIT"]);
    },
  );

  it("in safe mode, a response with CDN-Cache-Control: must-revalidate to a request with a cookie is not sent to another client", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ...modified(p), "CDN-Cache-Control": "must-revalidate" });
    await p.get(VICTIM);
    expect((await p.get()).body).toBe("page of nobody");
  });

  it("the option `credentialHeaders` replaces the default list of request fields that the proxy treats as credentials", async () => {
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

  it("in rfc mode, a response with max-age to a request with a cookie is sent to another client", async () => {
    const p = createProxy({ sharing: "rfc" });
    page(p, { "Cache-Control": "max-age=60" });
    await p.get(VICTIM);
    expect((await p.get()).body).toBe("page of sid=VICTIM");
  });

  it("a request with max-stale does not get the response with only an entity tag that a client with a cookie received", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    expect((await p.get({ "Cache-Control": "max-stale" })).body).toBe("page of nobody");
  });

  it("a request with stale-if-error gets the origin's 500, not the response that a client with a cookie received", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    p.answers({ status: 500, body: "error" });
    expect((await p.get({ "Cache-Control": "stale-if-error=999" })).body).toBe("error");
  });

  it("while the origin is down, a client without credentials gets a 502, not the response that a client with a cookie received", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { ETag: "yes" });
    await p.get(VICTIM);
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
  });

  it("a 304 to a request with a cookie does not make the stored response fresh for other clients", async () => {
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

describe("a stored response to a request without credentials", () => {
  it.each(CREDENTIALS)(
    "in safe mode, a stored response with max-age to a request without credentials is not sent to a client with %s",
    async (name, value) => {
      const p = createProxy({ sharing: "safe" });
      page(p, { "Cache-Control": "max-age=60" });
      expect((await p.get()).body).toBe("page of nobody");
      expect((await p.get({ [name]: value })).body).toBe(`page of ${value}`);
      expect((await p.get()).cache).toBe("HIT");
    },
  );

  it("a request with a cookie reaches the origin without If-Modified-Since although a response with only Last-Modified is stored", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, modified(p));
    await p.get();
    expect((await p.get(VICTIM)).body).toBe("page of sid=VICTIM");
    expect(p.seen.at(-1)?.headers.get("If-Modified-Since")).toBeNull();
  });

  it("a stored response with an entity tag is sent to a client with a cookie after the origin's 304 to that client's request", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(
      { headers: { "Cache-Control": "max-age=60", ETag: '"a"' }, body: "the same for all" },
      { status: 304, headers: { "Cache-Control": "max-age=60", ETag: '"a"' } },
    );
    await p.get();
    const confirmed = await p.get(VICTIM);
    expect([confirmed.status, confirmed.body, confirmed.cache]).toEqual([
      200,
      "the same for all",
      "REVALIDATED",
    ]);
    const { headers } = p.seen.at(-1) ?? {};
    expect([headers?.get("If-None-Match"), headers?.get("Cookie")]).toEqual(['"a"', "sid=VICTIM"]);
  });

  it("a client with a cookie gets its own page if the origin does not confirm the entity tag of another client's page", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { "Cache-Control": "max-age=60", ETag: "yes" });
    await p.get();
    expect((await p.get(VICTIM)).body).toBe("page of sid=VICTIM");
    expect((await p.get()).body).toBe("page of nobody");
  });

  it("while the origin is down, a client with a cookie does not get the stored page of another client", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { "Cache-Control": "max-age=60, stale-if-error=600" });
    await p.get();
    p.answers({ fails: true });
    expect((await p.get(VICTIM)).status).toBe(502);
    expect((await p.get()).body).toBe("page of nobody");
  });

  it("a stored response with max-age and Vary to a request without credentials is not sent to a client with a cookie", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { "Cache-Control": "max-age=60", Vary: "Accept-Language" });
    await p.get();
    expect((await p.get(VICTIM)).body).toBe("page of sid=VICTIM");
  });

  it("a client with a cookie and a client without credentials, which ask at the same time, each get a response of their own", async () => {
    const p = createProxy({ sharing: "safe" });
    page(p, { "Cache-Control": "max-age=60" });
    const [stranger, victim] = await Promise.all([p.get(), p.get(VICTIM)]);
    expect([stranger.body, victim.body]).toEqual(["page of nobody", "page of sid=VICTIM"]);
  });

  it.each(["public, max-age=60", "s-maxage=60"])(
    "in safe mode, a stored response with %s to a request without credentials is sent to a client with a cookie",
    async (control) => {
      const p = createProxy({ sharing: "safe" });
      page(p, { "Cache-Control": control });
      await p.get();
      const answer = await p.get(VICTIM);
      expect([answer.body, answer.cache]).toEqual(["page of nobody", "HIT"]);
    },
  );

  it("in rfc mode, a stored response with max-age to a request without credentials is sent to a client with a cookie", async () => {
    const p = createProxy({ sharing: "rfc" });
    page(p, { "Cache-Control": "max-age=60" });
    await p.get();
    expect((await p.get(VICTIM)).cache).toBe("HIT");
  });
});

describe("the marker after a response to a request with credentials", () => {
  it("a private response to a request with a cookie makes no hit-for-miss marker for requests without credentials", async () => {
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

  it("after a private response to a no-cache request without credentials, the next request reaches the origin although a response is stored", async () => {
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
