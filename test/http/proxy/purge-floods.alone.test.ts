/** What requests with unsafe methods cost, and what they invalidate in safe mode. */
import { describe, expect, it } from "vitest";
import { createProxy, type Proxy } from "../../conformance/proxy.ts";
import { countRedis } from "../../support/gateway.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const FIFTY = Array.from({ length: 50 }, (_, at) => `/${at}`);
const HOST = "a.test";

const post = (p: Proxy, path: string, client: string) =>
  p.send({ method: "POST", path, host: HOST, headers: { "CF-Connecting-IP": client } });

/** Two isolates that hold 50 responses each. */
async function createPair(): Promise<{ here: Proxy; there: Proxy }> {
  const here = createProxy({ sharing: "safe" });
  const there = here.sibling();
  here.answers({ headers: FRESH });
  for (const isolate of [here, there])
    for (const path of FIFTY) await isolate.send({ path, host: HOST });
  expect(here.seen.length).toBe(50);
  return { here, there };
}

/** How many of the 50 responses another isolate still serves, 2.2 s later. */
async function stillServed({ here, there }: { here: Proxy; there: Proxy }): Promise<number> {
  here.answers({ headers: FRESH });
  here.advance(2.2);
  let hits = 0;
  for (const path of FIFTY) if ((await there.send({ path, host: HOST })).cache === "HIT") hits++;
  return hits;
}

describe("a flood of POST requests", () => {
  it("50 simultaneous anonymous POSTs cost at most 3 batches of Redis commands, and no invalidation is lost", async () => {
    const pair = await createPair();
    const { commands, requests } = await countRedis(() =>
      Promise.all(FIFTY.map((path) => post(pair.here, path, "192.0.2.1"))),
    );
    // Before: 302 commands. Now 12.
    expect(commands).toBeLessThanOrEqual(3 * 8);
    expect(requests).toBeLessThanOrEqual(3 * 2);
    expect(await stillServed(pair)).toBe(0);
  });

  it("50 anonymous POSTs in turn cost at most 12 batches of Redis commands, and no invalidation is lost", async () => {
    const pair = await createPair();
    const { commands, requests } = await countRedis(async () => {
      // `open` does not wait for the background work, as no client does.
      const settles = [];
      for (const path of FIFTY) {
        const headers = { "CF-Connecting-IP": "192.0.2.2" };
        const { settle } = await pair.here.open({ method: "POST", path, host: HOST, headers });
        settles.push(settle);
      }
      await Promise.all(settles.map((settle) => settle()));
    });
    // Before: 348 commands. Now 66.
    expect(commands).toBeLessThanOrEqual(12 * 8);
    expect(requests).toBeLessThanOrEqual(12 * 2);
    expect(await stillServed(pair)).toBe(0);
  });

  it("a flood of POSTs from one client does not delay the invalidation by another client's POST", async () => {
    const pair = await createPair();
    const flood = FIFTY.slice(1).map((path) => post(pair.here, path, "192.0.2.3"));
    await post(pair.here, "/0", "192.0.2.4");
    pair.here.answers({ headers: FRESH });
    pair.here.advance(1.1);
    expect((await pair.there.send({ path: "/0", host: HOST })).cache).toBe("MISS");
    await Promise.all(flood);
  });
});

describe("methods that invalidate in safe mode", () => {
  it.each(["HEAD", "QUERY", "OPTIONS", "PURGE", "LOCK", "PROPPATCH", "MKCOL"])(
    "in safe mode a %s request invalidates no stored response and causes no Redis command",
    async (method) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers: FRESH });
      await p.get();
      p.answers({ headers: { ...FRESH, ETag: '"other"' } });
      const { commands } = await countRedis(() => p.send({ method }));
      expect(commands).toBe(0);
      expect((await p.get()).cache).toBe("HIT");
    },
  );

  it.each(["POST", "PUT", "PATCH", "DELETE"])(
    "in safe mode a %s request invalidates the stored response for the request URI",
    async (method) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers: FRESH });
      await p.get();
      await p.send({ method });
      expect((await p.get()).cache).toBe("MISS");
    },
  );

  it.each(["Location", "Content-Location"])(
    "in safe mode a POST does not invalidate the URI that its response names in %s",
    async (name) => {
      const p = createProxy({ sharing: "safe" });
      p.answers({ headers: FRESH });
      await p.get({}, "/y");
      p.answers({ headers: { [name]: "/y" } });
      await p.send({ method: "POST", path: "/x" });
      expect((await p.get({}, "/y")).cache).toBe("HIT");
    },
  );

  it("in safe mode the response to a POST does not answer a later GET, although its Content-Location is the request URI", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...FRESH, "Content-Location": "/x" } });
    await p.send({ method: "POST", path: "/x", body: "x" });
    const { body, cache } = await p.get();
    expect([body, cache]).toEqual(["2", "MISS"]);
  });

  it("after a HEAD response with another entity tag, the stale stored response is still served while the origin is down", async () => {
    const p = createProxy({ sharing: "safe", maxBodyBytes: 1_000 });
    const headers = { "Cache-Control": "max-age=10, stale-if-error=600", ETag: '"a"' };
    p.answers({ headers });
    await p.get();
    p.advance(11);
    // The new response is too long to be stored, so that a HEAD reaches the origin as HEAD.
    p.answers({ headers: { ...FRESH, ETag: '"b"' }, body: "x".repeat(1_001) });
    await p.get();
    await p.send({ method: "HEAD" });
    expect(p.seen.at(-1)?.method).toBe("HEAD");
    p.answers({ fails: true });
    const { body, cache } = await p.get();
    expect([body, cache]).toEqual(["1", "STALE"]);
  });

  it("in rfc mode a QUERY request invalidates no stored response", async () => {
    const p = createProxy();
    p.answers({ headers: FRESH });
    await p.get();
    await p.send({ method: "QUERY" });
    expect((await p.get()).cache).toBe("HIT");
  });
});
