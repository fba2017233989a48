/** Attack: a client gets, by its own directives or an error, what the origin never called fresh. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const TAGGED = { ETag: '"a"' };

describe("a response that was never fresh", () => {
  it.each([
    TAGGED,
    { ...TAGGED, "Cache-Control": "max-age=0" },
    { ...TAGGED, "Cache-Control": "max-age=0, stale-while-revalidate=60" },
    { ...TAGGED, "Cache-Control": "max-age=0, stale-if-error=60" },
    { ...TAGGED, "Cache-Control": "max-age=60", Age: "60" },
    { ...TAGGED, Expires: "0" },
    { ...TAGGED, "Cache-Control": "no-cache" },
  ])(
    "a response that was never fresh is not served while the origin is down: %j",
    async (headers) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers, body: "never fresh" });
      await p.get();
      p.answers({ fails: true });
      expect((await p.get()).status).toBe(502);
    },
  );

  it.each([TAGGED, { ...TAGGED, "Cache-Control": "max-age=0, stale-if-error=60" }])(
    "a stored response that was never fresh is not served instead of the origin's 500: %j",
    async (headers) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers, body: "never fresh" });
      await p.get();
      p.answers({ status: 500, body: "error" });
      expect((await p.get({ "Cache-Control": "stale-if-error=60" })).body).toBe("error");
    },
  );

  it("a response with max-age=0 is not served stale although it has stale-while-revalidate", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=0, stale-while-revalidate=60" } });
    await p.get();
    expect((await p.get()).body).toBe("2");
  });

  it("a response that was once fresh is served stale while the origin is down", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...TAGGED, "Cache-Control": "max-age=1" }, body: "was fresh" });
    await p.get();
    p.advance(2);
    p.answers({ fails: true });
    const answer = await p.get();
    expect([answer.body, answer.cache]).toEqual(["was fresh", "STALE"]);
  });

  it("after a 304 with max-age=0, the stored response is not served while the origin is down", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...TAGGED, "Cache-Control": "max-age=1" } });
    await p.get();
    p.advance(2);
    p.answers({ status: 304, headers: { ...TAGGED, "Cache-Control": "max-age=0" } });
    await p.get();
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
  });

  it("in rfc mode a response that was never fresh is served while the origin is down", async () => {
    const p = createProxy({ sharing: "rfc" });
    p.answers({ headers: TAGGED, body: "never fresh" });
    await p.get();
    p.answers({ fails: true });
    expect((await p.get()).body).toBe("never fresh");
  });
});

describe("the cache directives of a request", () => {
  it.each([
    { "Cache-Control": "no-cache" },
    { "Cache-Control": "no-store" },
    { "Cache-Control": "max-age=0" },
    { "Cache-Control": "min-fresh=9999" },
    { Pragma: "no-cache" },
  ])("in safe mode, a fresh stored response answers 20 requests with %j", async (headers) => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=600" } });
    await p.get();
    for (let count = 0; count < 20; count++) expect((await p.get(headers)).cache).toBe("HIT");
    expect(p.seen.length).toBe(1);
  });

  it("in safe mode, the response to a request with no-store is stored and sent to other clients", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=600" } });
    await p.get({ "Cache-Control": "no-store" });
    expect((await p.get()).cache).toBe("HIT");
  });

  it("in safe mode, the proxy forwards a request with only-if-cached to the origin if no response is stored", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ body: "from the origin" });
    const answer = await p.get({ "Cache-Control": "only-if-cached" });
    expect([answer.status, answer.body]).toEqual([200, "from the origin"]);
  });

  it("in safe mode, a request with max-stale does not get a stale response", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=1" } });
    await p.get();
    p.advance(2);
    expect((await p.get({ "Cache-Control": "max-stale" })).body).toBe("2");
  });

  it("in safe mode, the option `requestDirectives` does not make the proxy obey no-cache in a request", async () => {
    const p = createProxy({ sharing: "safe", requestDirectives: true });
    p.answers({ headers: { "Cache-Control": "max-age=600" } });
    await p.get();
    expect((await p.get({ "Cache-Control": "no-cache" })).cache).toBe("HIT");
  });
});
