// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { revalidated } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9110 = requirementsOf(9110);
const rfc9111 = requirementsOf(9111);
const rfc9211 = requirementsOf(9211);
const FRESH = { "Cache-Control": "max-age=3600" };

export const PROXYING = [
  rfc9110("7.6.1", "MUST NOT", "forward the request's hop-by-hop fields", async (p) => {
    p.answers({});
    await p.get({
      Connection: "X-Hop",
      "X-Hop": "1",
      TE: "trailers",
      "Keep-Alive": "x",
      "Proxy-Authorization": "x",
      Upgrade: "h2c",
    });
    for (const name of [
      "Connection",
      "X-Hop",
      "TE",
      "Keep-Alive",
      "Proxy-Authorization",
      "Upgrade",
    ])
      expect(p.seen[0]?.headers.get(name), name).toBeNull();
  }),
  rfc9110("7.6.3", "MUST", "add itself to Via in requests and responses", async (p) => {
    p.answers({ headers: { ...FRESH, Via: "1.0 near" } });
    const { headers } = await p.get({ Via: "1.1 far" });
    expect(p.seen[0]?.headers.get("Via")).toBe("1.1 far, 1.1 strata");
    expect(headers.get("Via")).toBe("1.0 near, 1.1 strata");
    expect((await p.get()).headers.get("Via")).toBe("1.0 near, 1.1 strata");
  }),
  rfc9110("7.6.3", "MUST", "name the client's HTTP version in Via", async (p) => {
    p.answers({});
    await p.send({ cf: { httpProtocol: "HTTP/2" } });
    expect(p.seen[0]?.headers.get("Via")).toBe("2 strata");
  }),
  ...["OPTIONS", "TRACE"].flatMap((method) => [
    rfc9110("7.6.2", "MUST", `decrement Max-Forwards of ${method}`, async (p) => {
      p.answers({});
      await p.send({ method, headers: { "Max-Forwards": "5" } });
      expect(p.seen[0]?.headers.get("Max-Forwards")).toBe("4");
    }),
    rfc9110("7.6.2", "MUST NOT", `forward ${method} with Max-Forwards: 0`, async (p) => {
      const headers = { "Max-Forwards": "0", "X-A": "1", Authorization: "Basic x" };
      const answer = await p.send({ method, path: "/x?y", headers });
      expect([p.seen.length, answer.status]).toEqual([0, method === "TRACE" ? 200 : 204]);
      expect(answer.body).toContain(method === "TRACE" ? "TRACE /x?y HTTP/1.1\r\n" : "");
      expect(answer.body).not.toContain("Basic");
    }),
  ]),
  rfc9110("7.6.2", "MAY", "forward Max-Forwards unchanged for GET", async (p) => {
    p.answers({});
    await p.get({ "Max-Forwards": "0" });
    expect(p.seen[0]?.headers.get("Max-Forwards")).toBe("0");
  }),
  rfc9110("7.6.3", "SHOULD", "refuse a request whose Via shows a loop", async (p) => {
    p.answers({});
    const via = Array.from({ length: 8 }, () => "1.1 strata").join(", ");
    expect((await p.get({ Via: via })).status).toBe(508);
    expect(p.seen.length).toBe(0);
  }),
  rfc9110("6.6.1", "MUST", "add Date to a response without one", async (p) => {
    p.answers({ headers: { ...FRESH, Date: null } });
    expect((await p.get()).headers.get("Date")).toMatch(/GMT$/);
    expect((await p.get()).headers.get("Date")).toMatch(/GMT$/);
  }),
  rfc9110("15.4", "MAY", "relay a redirect without following it", async (p) => {
    p.answers({ status: 302, headers: { Location: "/y" } });
    const answer = await p.get();
    expect([answer.status, answer.headers.get("Location"), p.seen.length]).toEqual([302, "/y", 1]);
  }),
  rfc9110("15.4.5", "MUST NOT", "relay a 304 to a request without a condition", async (p) => {
    p.answers({ status: 304, headers: { ETag: '"a"' } });
    expect((await p.get()).status).toBe(502);
    const other = { status: 304, headers: { ETag: '"b"' } };
    const answer = await revalidated(p, { ETag: '"a"' }, other);
    expect([answer.status, answer.body, answer.cache]).toEqual([200, "1", "STALE"]);
  }),
  rfc9111("2", "MUST", "keep the whole query in the key, in its order", async (p) => {
    p.answers({ headers: FRESH });
    for (const path of ["/x?a=1&b=2", "/x?b=2&a=1", "/x?a=1", "/x?", "/x", "/X"])
      await p.get({}, path);
    expect(p.seen.map(({ url }) => url.slice("http://origin.test".length))).toContain("/x?b=2&a=1");
    expect(p.seen.length).toBe(6);
    expect((await p.get({}, "/x?b=2&a=1")).body).toBe("2");
  }),
  rfc9111("2", "MUST", "use different keys for long URIs that differ at the end", async (p) => {
    p.answers({ headers: FRESH });
    const long = `/${"a".repeat(4_000)}`;
    expect((await p.get({}, `${long}1`)).body).toBe("1");
    expect((await p.get({}, `${long}2`)).body).toBe("2");
    expect((await p.get({}, `${long}1`)).body).toBe("1");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("2", "MUST", "use different keys for different hosts", async (p) => {
    p.answers({ headers: FRESH });
    await p.send({ path: "/x", host: "a.test" });
    expect((await p.send({ path: "/x", host: "b.test" })).body).toBe("2");
  }),
  rfc9111("4", "MUST", "forward a request body, and relay the response", async (p) => {
    p.answers(async (request) => ({ body: `${request.method} ${await request.text()}` }));
    expect((await p.send({ method: "POST", body: "abc" })).body).toBe("POST abc");
    expect((await p.send({ method: "PUT", body: "def" })).body).toBe("PUT def");
  }),
  rfc9110("15.6.3", "MUST", "answer 502 if the origin cannot be reached", async (p) => {
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
    expect((await p.send({ method: "POST" })).status).toBe(502);
  }),
  rfc9211(
    "2",
    "MUST",
    "append its own Cache-Status member after those of other caches",
    async (p) => {
      p.answers(
        { headers: { "Cache-Control": "max-age=10", ETag: '"a"', "Cache-Status": "inner; hit" } },
        { status: 304, headers: { ETag: '"a"' } },
      );
      const status = async (headers = {}) => (await p.get(headers)).headers.get("Cache-Status");
      expect(await status()).toBe("inner; hit, strata; fwd=uri-miss; fwd-status=200; stored");
      expect(await status()).toBe("inner; hit, strata; hit; ttl=9; detail=memory");
      expect(await status({ "Cache-Control": "no-cache" })).toContain(
        "strata; fwd=request; fwd-status=304",
      );
      p.advance(11);
      expect(await status()).toContain("strata; fwd=stale; fwd-status=304");
    },
  ),
  rfc9211("2.2", "MUST", "name in Cache-Status why it asked the origin", async (p) => {
    p.answers({ headers: { ...FRESH, Vary: "Foo" } });
    await p.get({ Foo: "1" });
    expect((await p.get({ Foo: "2" })).headers.get("Cache-Status")).toBe(
      "strata; fwd=vary-miss; fwd-status=200; stored",
    );
    expect((await p.send({ method: "POST" })).headers.get("Cache-Status")).toBe(
      "strata; fwd=method; fwd-status=200",
    );
  }),
];
