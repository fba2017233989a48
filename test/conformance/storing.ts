// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);
const FRESH = "max-age=3600";
const FINAL = [
  200, 203, 204, 206, 299, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 451,
  499, 500, 501, 502, 503, 504, 599,
];

export const STORING = [
  rfc9111("3", "MUST NOT", "store a response with no-store", (p) =>
    notReused(p, { "Cache-Control": `no-store, ${FRESH}` }),
  ),
  rfc9111("3", "MUST NOT", "store a response with no-store in mixed case on a second line", (p) =>
    notReused(p, { "Cache-Control": [FRESH, "No-StOrE"] }),
  ),
  rfc9111("3", "MUST NOT", "store the response to a request with no-store", (p) =>
    notReused(
      p,
      { "Cache-Control": FRESH },
      { asking: { "Cache-Control": "no-store" }, again: {} },
    ),
  ),
  rfc9111("3", "MUST NOT", "store a private response", (p) =>
    notReused(p, { "Cache-Control": `private, ${FRESH}` }),
  ),
  rfc9111("3", "MUST NOT", "store a private response with s-maxage", (p) =>
    notReused(p, { "Cache-Control": "private, s-maxage=3600" }),
  ),
  rfc9111("3", "MUST NOT", "store a response without explicit or heuristic freshness", (p) =>
    notReused(p, {}),
  ),
  rfc9111("3", "MUST NOT", "store an unknown status without explicit freshness", (p) =>
    notReused(p, { "Last-Modified": p.date(-36_000) }, { status: 599 }),
  ),
  ...FINAL.map((status) =>
    rfc9111("3", "MAY", `store any final status with explicit freshness: ${status}`, async (p) => {
      const partial = status === 206 ? { "Content-Range": "bytes 0-0/1" } : {};
      const asking = status === 206 ? { Range: "bytes=0-0" } : {};
      await reused(p, { "Cache-Control": FRESH, ...partial }, { status, asking });
    }),
  ),
  ...[412, 416].map((status) =>
    rfc9111("3", "SHOULD NOT", `store ${status}, which answers one request's condition`, (p) =>
      notReused(p, { "Cache-Control": FRESH }, { status }),
    ),
  ),
  rfc9111("3", "MUST NOT", "replace a stored response by one that may not be stored", async (p) => {
    p.answers(
      { headers: { "Cache-Control": FRESH } },
      { headers: { "Cache-Control": "no-store" } },
    );
    await p.get();
    expect((await p.get({ "Cache-Control": "no-cache" })).body).toBe("2");
    expect((await p.get()).body).toBe("1");
  }),
  rfc9111("3.1", "MUST", "store unknown fields", async (p) => {
    p.answers({ headers: { "Cache-Control": FRESH, "X-Unknown": "a, b", Foo: ["1", "2"] } });
    await p.get();
    const { headers } = await p.get();
    expect(headers.get("X-Unknown")).toBe("a, b");
    expect(headers.get("Foo")).toBe("1, 2");
  }),
  rfc9111("3.1", "MUST NOT", "store Connection and the fields that it lists", async (p) => {
    p.answers({
      headers: { "Cache-Control": FRESH, Connection: "X-One, close", "X-One": "1", "X-Two": "2" },
    });
    await p.get();
    const { headers } = await p.get();
    expect([headers.get("X-One"), headers.get("X-Two"), headers.get("Connection")]).toEqual([
      null,
      "2",
      null,
    ]);
  }),
  rfc9111("3.1", "MUST NOT", "store the fields that are for the next proxy", async (p) => {
    const names = [
      "Proxy-Authenticate",
      "Proxy-Authentication-Info",
      "Proxy-Authorization",
      "Proxy-Connection",
      "Keep-Alive",
      "TE",
      "Trailer",
      "Upgrade",
    ];
    p.answers({
      headers: { "Cache-Control": FRESH, ...Object.fromEntries(names.map((name) => [name, "x"])) },
    });
    await p.get();
    const { headers } = await p.get();
    for (const name of names) expect(headers.get(name), name).toBeNull();
  }),
  rfc9111("3.5", "MUST NOT", "reuse the response to a request with Authorization", (p) =>
    notReused(p, { "Cache-Control": FRESH }, { asking: { Authorization: "Basic x" }, again: {} }),
  ),
  ...["public", "s-maxage=3600", "must-revalidate"].map((permission) =>
    rfc9111(
      "3.5",
      "MAY",
      `reuse the response to a request with Authorization if it has ${permission}`,
      (p) =>
        reused(
          p,
          { "Cache-Control": `${FRESH}, ${permission}` },
          { asking: { Authorization: "Basic x" }, again: {} },
        ),
    ),
  ),
  rfc9111("3.5", "MAY", "answer a request with Authorization from a stored response", (p) =>
    reused(p, { "Cache-Control": FRESH }, { asking: {}, again: { Authorization: "Basic x" } }),
  ),
  rfc9111("5.2.2.3", "MUST", "store an understood status with must-understand and no-store", (p) =>
    reused(p, { "Cache-Control": `must-understand, no-store, ${FRESH}` }),
  ),
  rfc9111(
    "5.2.2.3",
    "SHOULD NOT",
    "store a status with must-understand that it does not understand",
    (p) => notReused(p, { "Cache-Control": `must-understand, ${FRESH}` }, { status: 299 }),
  ),
  rfc9111("5.2.2.7", "MUST NOT", "store the fields that private names", async (p) => {
    p.answers({
      headers: {
        "Cache-Control": `private="X-Mine, x-other", ${FRESH}`,
        "X-Mine": "1",
        "X-Other": "1",
        "X-Ours": "1",
      },
    });
    const first = (await p.get()).headers;
    expect([first.get("X-Mine"), first.get("X-Other"), first.get("X-Ours")]).toEqual([
      "1",
      "1",
      "1",
    ]);
    const { headers } = await p.get();
    expect([headers.get("X-Mine"), headers.get("X-Other"), headers.get("X-Ours")]).toEqual([
      null,
      null,
      "1",
    ]);
    expect(p.seen.length).toBe(1);
  }),
  rfc9111(
    "5.2.2.7",
    "MUST",
    "send the fields that private names to the client that asked",
    async (p) => {
      const mine = { "Cache-Control": 'max-age=10, private="set-cookie"', ETag: '"a"' };
      p.answers(
        { headers: { ...mine, "Set-Cookie": ["a=1", "b=1"] }, takesMs: 1 },
        { status: 304, headers: { ...mine, "Set-Cookie": "a=2" } },
      );
      const [leader, follower] = await Promise.all([p.get(), p.get()]);
      expect(leader?.headers.getSetCookie()).toEqual(["a=1", "b=1"]);
      expect(follower?.headers.getSetCookie()).toEqual([]);
      p.advance(11);
      expect((await p.get()).headers.getSetCookie()).toEqual(["a=2"]);
      expect((await p.get()).headers.getSetCookie()).toEqual([]);
      expect(p.seen.length).toBe(2);
    },
  ),
  rfc9111("3", "MAY", "store a response with Set-Cookie and explicit freshness", (p) =>
    reused(p, { "Cache-Control": FRESH, "Set-Cookie": "a=1" }),
  ),
  rfc9111(
    "4.2.2",
    "SHOULD NOT",
    "store a response with Set-Cookie and only heuristic freshness",
    (p) => notReused(p, { "Last-Modified": p.date(-36_000), "Set-Cookie": "a=1" }),
  ),
];
