// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import type { Proxy } from "./proxy.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);
const rfc9875 = requirementsOf(9875);
const FRESH = { "Cache-Control": "max-age=3600" };

/** Counts how often a GET of `path` reaches the origin after a request with `method`. */
async function afterwards(p: Proxy, method: string, answer: object, path = "/x"): Promise<number> {
  p.answers({ headers: FRESH });
  await p.get({}, path);
  p.answers(answer);
  await p.send({ method, ...(method === "POST" && { body: "x" }) });
  const asked = p.seen.length;
  p.answers({ headers: FRESH });
  await p.get({}, path);
  return p.seen.length - asked;
}

export const INVALIDATION = [
  ...["POST", "PUT", "DELETE", "PATCH", "PURGE", "LOCK", "PROPPATCH", "MKCOL"].map((method) =>
    rfc9111("4.4", "MUST", `invalidate the URI after ${method}`, async (p) => {
      expect(await afterwards(p, method, {})).toBe(1);
    }),
  ),
  ...["OPTIONS", "HEAD"].map((method) =>
    rfc9111("4.4", "MAY", `keep the stored response after ${method}`, async (p) => {
      expect(await afterwards(p, method, {})).toBe(0);
    }),
  ),
  ...[201, 204, 302, 303].map((status) =>
    rfc9111("4.4", "MUST", `invalidate after a POST with ${status}`, async (p) => {
      expect(await afterwards(p, "POST", { status })).toBe(1);
    }),
  ),
  ...[400, 403, 404, 409, 500, 503].map((status) =>
    rfc9111("4.4", "MUST NOT", `invalidate after a POST with ${status}`, async (p) => {
      expect(await afterwards(p, "POST", { status })).toBe(0);
    }),
  ),
  ...["Location", "Content-Location"].flatMap((name) => [
    rfc9111("4.4", "MAY", `invalidate the URI in ${name}`, async (p) => {
      expect(await afterwards(p, "POST", { headers: { [name]: "/y?z=1" } }, "/y?z=1")).toBe(1);
    }),
    rfc9111("4.4", "MAY", `invalidate the absolute URI in ${name}`, async (p) => {
      expect(
        await afterwards(p, "POST", { headers: { [name]: "http://origin.test/y" } }, "/y"),
      ).toBe(1);
    }),
    rfc9111("4.4", "MUST NOT", `invalidate another origin's URI in ${name}`, async (p) => {
      expect(
        await afterwards(p, "POST", { headers: { [name]: "http://other.test/y" } }, "/y"),
      ).toBe(0);
    }),
    rfc9111("4.4", "MUST NOT", `invalidate the URI in ${name} after an error`, async (p) => {
      expect(await afterwards(p, "POST", { status: 500, headers: { [name]: "/y" } }, "/y")).toBe(0);
    }),
  ]),
  rfc9111("4.4", "MUST", "invalidate in other isolates too", async (p) => {
    const other = p.sibling();
    p.answers({ headers: FRESH });
    await p.send({ path: "/x", host: "a.test" });
    await other.send({ path: "/x", host: "a.test" });
    await p.send({ method: "POST", path: "/x", host: "a.test" });
    p.advance(1.1);
    await other.send({ path: "/x", host: "a.test" });
    expect(p.seen.length).toBe(3);
  }),
  rfc9111("4.4", "MUST", "store again after an invalidation", async (p) => {
    expect(await afterwards(p, "POST", {})).toBe(1);
    expect((await p.get()).cache).toBe("HIT");
  }),
  rfc9111(
    "3",
    "MAY",
    "reuse the response to a POST for GET if Content-Location is the target URI",
    async (p) => {
      p.answers({ headers: { ...FRESH, "Content-Location": "/x" } });
      await p.send({ method: "POST", body: "x" });
      const answer = await p.get();
      expect([answer.body, answer.cache]).toEqual(["1", "HIT"]);
    },
  ),
  ...[{ "Content-Location": "/y" }, {}].map((headers) =>
    rfc9111(
      "3",
      "MUST NOT",
      `reuse the response to a POST for GET with other fields: ${JSON.stringify(headers)}`,
      async (p) => {
        p.answers({ headers: { ...FRESH, ...headers } });
        await p.send({ method: "POST", body: "x" });
        expect((await p.get()).body).toBe("2");
      },
    ),
  ),
  rfc9875(
    "2",
    "MUST",
    "invalidate a cache group by the response to an unsafe method",
    async (p) => {
      p.answers({ headers: { ...FRESH, "Cache-Groups": '"a", "b"' } });
      await p.get({}, "/one");
      p.answers({ headers: { "Cache-Group-Invalidation": '"b"' } });
      await p.send({ method: "POST", path: "/two" });
      p.answers({ headers: FRESH });
      await p.get({}, "/one");
      expect(p.seen.length).toBe(3);
    },
  ),
  rfc9875(
    "3",
    "MUST NOT",
    "invalidate a cache group by the response to a safe method",
    async (p) => {
      p.answers({ headers: { ...FRESH, "Cache-Groups": '"a"' } });
      await p.get({}, "/one");
      p.answers({ headers: { ...FRESH, "Cache-Group-Invalidation": '"a"' } });
      await p.get({}, "/two");
      expect((await p.get({}, "/one")).cache).toBe("HIT");
    },
  ),
  rfc9875("2", "MUST", "ignore Cache-Groups that are no list of strings", async (p) => {
    p.answers({ headers: { ...FRESH, "Cache-Groups": "a, b" } });
    await p.get({}, "/one");
    p.answers({ headers: { "Cache-Group-Invalidation": "a" } });
    await p.send({ method: "POST", path: "/two" });
    expect((await p.get({}, "/one")).cache).toBe("HIT");
  }),
];
