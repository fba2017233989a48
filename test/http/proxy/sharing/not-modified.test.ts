/** Attack: a client gets a stored response after the origin has forbidden to share it. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const TAG = { ETag: '"a"' };
const SHORT = { ...TAG, "Cache-Control": "max-age=1" };
const FORBIDDING = [
  { "Cache-Control": "private" },
  { "Cache-Control": "no-store" },
  { "Cache-Control": "max-age=600", Vary: "*" },
];

describe.each(["safe", "rfc"] as const)("a 304 that forbids reuse, in %s mode", (sharing) => {
  it.each(FORBIDDING)(
    `after a 304 with %j to one client, no later client gets the stored response while the origin is down, in ${sharing} mode`,
    async (headers) => {
      const p = createProxy({ sharing });
      const sibling = p.sibling();
      p.answers({ headers: SHORT, body: "stored" });
      await p.get();
      await sibling.get();
      p.advance(2);
      p.answers({ status: 304, headers: { ...TAG, ...headers } });
      expect((await p.get()).body, "the client that asked").toBe("stored");
      p.answers({ fails: true });
      expect((await p.get()).status, "during an outage").toBe(502);
      p.advance(2);
      expect((await sibling.get()).status, "in another isolate").toBe(502);
    },
  );

  it(`after a 304 with Cache-Control: private, the next request reaches the origin without If-None-Match, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers({ headers: SHORT, body: "stored" });
    await p.get();
    p.advance(2);
    p.answers({ status: 304, headers: { ...TAG, "Cache-Control": "private" } });
    await p.get();
    p.answers({ body: "new" });
    expect((await p.get()).body).toBe("new");
    expect(p.seen.at(-1)?.headers.get("If-None-Match")).toBeNull();
  });

  it.each([
    { status: 304, headers: { ...TAG, "Cache-Control": "private" } },
    { status: 200, headers: { "Cache-Control": "private" } },
    { status: 200, headers: { "Cache-Control": "no-store" } },
  ])(
    `after the origin answers a background refresh with %j, the next client does not get the stored response, in ${sharing} mode`,
    async (forbidding) => {
      const p = createProxy({ sharing });
      p.answers({
        headers: { ...TAG, "Cache-Control": "max-age=1, stale-while-revalidate=600" },
        body: "stored",
      });
      await p.get();
      p.advance(2);
      p.answers({ ...forbidding, ...(forbidding.status === 200 && { body: "private" }) });
      expect((await p.get()).cache).toBe("STALE");
      p.answers({ headers: { "Cache-Control": "private" }, body: "own" });
      expect((await p.get()).body).toBe("own");
    },
  );

  it(`after a 200 with Cache-Control: private, the stale stored response is not served while the origin is down, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers({ headers: SHORT, body: "stored" });
    await p.get();
    p.advance(2);
    p.answers({ headers: { "Cache-Control": "private" }, body: "private" });
    await p.get();
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
  });

  it.each([401, 403])(
    `after a %d from the origin, the stale stored response is not served while the origin is down, in ${sharing} mode`,
    async (status) => {
      const p = createProxy({ sharing });
      p.answers({ headers: SHORT, body: "stored" });
      await p.get();
      p.advance(2);
      p.answers({ status });
      await p.get();
      p.answers({ fails: true });
      expect((await p.get()).status).toBe(502);
    },
  );

  it(`a 304 with Cache-Control: private makes the proxy stop serving the variant of that request, but no other variant, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers((request) => ({
      headers: { ...SHORT, Vary: "Foo", "Cache-Control": "max-age=60" },
      body: `for ${request.headers.get("Foo")}`,
    }));
    await p.get({ Foo: "2" });
    p.answers({ headers: { ...SHORT, Vary: "Foo" }, body: "for 1" });
    await p.get({ Foo: "1" });
    p.advance(2);
    p.answers({ status: 304, headers: { ...TAG, Vary: "Foo", "Cache-Control": "private" } });
    await p.get({ Foo: "1" });
    p.answers({ fails: true });
    expect((await p.get({ Foo: "1" })).status).toBe(502);
    expect((await p.get({ Foo: "2" })).cache).toBe("HIT");
  });
});

describe("a 304 in another coding", () => {
  it("after a 304 whose Content-Encoding differs from that of the stored response, the proxy asks the origin again without a condition", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...SHORT, "Content-Encoding": "x-a" }, body: "in a" });
    await p.get();
    p.advance(2);
    p.answers((request) =>
      request.headers.has("If-None-Match")
        ? { status: 304, headers: { ...SHORT, "Content-Encoding": "x-b" } }
        : { headers: { ...SHORT, "Content-Encoding": "x-b" }, body: "in b" },
    );
    const answer = await p.get();
    expect([answer.body, answer.headers.get("Content-Encoding")]).toEqual(["in b", "x-b"]);
  });
});
