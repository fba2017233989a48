/** How long concurrent requests wait for each other, in round trips to the origin. */
import { describe, expect, it } from "vitest";
import { createProxy, type Scripted, type Sending } from "../../conformance/proxy.ts";
import { burst } from "../../support/rounds.ts";

const SIX = [0, 1, 2, 3, 4, 5];
const TEN = "0123456789";
const times = (sending: Sending): Sending[] => SIX.map(() => ({ path: "/x", ...sending }));
const get = (headers: Readonly<Record<string, string>> = {}): Sending[] => times({ headers });

/** Answers a range with a part of `whole`, and a matching condition with 304. */
const fileServer =
  (whole: string, headers: Readonly<Record<string, string>>) =>
  (request: Request): Scripted => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("Range") ?? "");
    if (request.headers.get("If-None-Match") === headers["ETag"] && headers["ETag"])
      return { status: 304, headers };
    if (range === null)
      return { headers: { ...headers, "Content-Length": String(whole.length) }, body: whole };
    const [first, last] = [Number(range[1]), Number(range[2])];
    const contentRange = `bytes ${first}-${last}/${whole.length}`;
    const body = whole.slice(first, last + 1);
    return { status: 206, headers: { ...headers, "Content-Range": contentRange }, body };
  };

describe.each(["safe", "rfc"] as const)(
  "a response that answers only its own client, in %s mode",
  (sharing) => {
    it.each([
      ["only an entity tag", { ETag: '"a"' }],
      ["no-cache", { "Cache-Control": "no-cache", ETag: '"a"' }],
      ["max-age=0", { "Cache-Control": "max-age=0", ETag: '"a"' }],
      ["an Expires in the past", { Expires: "Sun, 06 Nov 1994 08:49:37 GMT", ETag: '"a"' }],
    ])(
      "six concurrent clients of a response with %s wait one extra round trip to the origin in the first burst, and none in the second",
      async (_, headers) => {
        const p = createProxy({ sharing });
        const server = fileServer("whole", headers);
        const cold = await burst(p, server, get());
        // Before: 4 round trips.
        expect([cold.asked, cold.rounds]).toEqual([6, 2]);
        const next = await burst(p, server, get());
        expect([next.asked, next.rounds]).toEqual([6, 1]);
        for (const { status, body } of [...cold.answers, ...next.answers])
          expect([status, body]).toEqual([200, "whole"]);
      },
    );

    it("clients that waited for a response with only an entity tag cause requests to the origin with that tag in If-None-Match", async () => {
      const p = createProxy({ sharing });
      await burst(p, fileServer("whole", { ETag: '"a"' }), get());
      const conditions = p.seen.map(({ headers }) => headers.get("If-None-Match"));
      expect(conditions).toEqual([null, ...Array<string>(5).fill('"a"')]);
    });

    it("six concurrent clients of a private response wait one extra round trip to the origin in the first burst, and none in the second", async () => {
      const p = createProxy({ sharing });
      const server = fileServer("mine", { "Cache-Control": "private" });
      const [cold, next] = [await burst(p, server, get()), await burst(p, server, get())];
      expect([cold.asked, cold.rounds, next.asked, next.rounds]).toEqual([6, 2, 6, 1]);
    });

    it("six concurrent requests with a bearer token wait one extra round trip only in the first burst, and anonymous requests share one load", async () => {
      const p = createProxy({ sharing });
      const server = fileServer("mine", { "Cache-Control": "max-age=60" });
      const bearer = get({ Authorization: "Bearer x" });
      const [cold, next] = [await burst(p, server, bearer), await burst(p, server, bearer)];
      // Before: 2 round trips in every burst.
      expect([cold.asked, cold.rounds, next.asked, next.rounds]).toEqual([6, 2, 6, 1]);
      const anonymous = await burst(p, server, get());
      expect([anonymous.asked, anonymous.rounds]).toEqual([1, 1]);
    });

    it("six concurrent requests with no-cache for a private response wait no extra round trip to the origin in the second burst", async () => {
      const p = createProxy({ sharing });
      const server = fileServer("mine", { "Cache-Control": "private" });
      const reload = get({ "Cache-Control": "no-cache" });
      await burst(p, server, reload);
      const next = await burst(p, server, reload);
      // Before: 2 round trips in every burst.
      expect([next.asked, next.rounds]).toEqual([6, 1]);
    });
  },
);

describe("requests for parts and heads in safe mode", () => {
  const FRESH = { "Cache-Control": "max-age=60", ETag: '"a"' };
  const ranges = (step: number): Sending[] =>
    SIX.map((at) => ({
      path: "/x",
      headers: { Range: `bytes=${at * step}-${at * step + step - 1}` },
    }));

  it("six concurrent range requests for one short resource are answered from one GET to the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    const whole = TEN.repeat(6);
    const { asked, rounds, answers } = await burst(p, fileServer(whole, FRESH), ranges(10));
    // Before: 6 requests in 4 round trips.
    expect([asked, rounds, p.seen[0]?.headers.get("Range")]).toEqual([1, 1, null]);
    for (const { status, body } of answers) expect([status, body]).toEqual([206, TEN]);
    expect((await p.get()).cache).toBe("HIT");
  });

  it("six concurrent range requests for a resource too long to store wait one extra round trip only in the first burst", async () => {
    const p = createProxy({ sharing: "safe", maxBodyBytes: 1_000 });
    const whole = TEN.repeat(600);
    const server = fileServer(whole, FRESH);
    const cold = await burst(p, server, ranges(10));
    // One request for the whole, which is too long, and one for each part. Before: 6 in 4 round trips.
    expect([cold.asked, cold.rounds]).toEqual([7, 2]);
    const next = await burst(p, server, ranges(1_000));
    expect(next.rounds).toBe(1);
    for (const { status, body } of cold.answers) expect([status, body]).toEqual([206, TEN]);
    for (const { status, body } of next.answers)
      expect([status, body.length]).toEqual([206, 1_000]);
    p.advance(60);
    p.answers(server);
    const { length } = p.seen;
    expect((await p.get({ Range: "bytes=5000-5009" })).body).toBe(TEN);
    expect(p.seen.length - length, "a range of a resource known to be long costs one request").toBe(
      1,
    );
  });

  it("six concurrent requests for several ranges of one resource get a 206 from one GET to the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    const { asked, rounds, answers } = await burst(
      p,
      fileServer(TEN, FRESH),
      get({ Range: "bytes=0-1, 3-4" }),
    );
    expect([asked, rounds]).toEqual([1, 1]);
    for (const { status } of answers) expect(status).toBe(206);
  });

  it("six concurrent range requests for a private resource wait one extra round trip only in the first burst, and each gets its range", async () => {
    const p = createProxy({ sharing: "safe" });
    const server = fileServer(TEN.repeat(6), { "Cache-Control": "private" });
    const [cold, next] = [await burst(p, server, ranges(10)), await burst(p, server, ranges(10))];
    expect([cold.asked, cold.rounds, next.asked, next.rounds]).toEqual([7, 2, 6, 1]);
    for (const { status, body } of cold.answers) expect([status, body]).toEqual([206, TEN]);
  });

  it("six concurrent HEAD requests cause one GET to the origin, and the proxy stores the response", async () => {
    const p = createProxy({ sharing: "safe" });
    const { asked, rounds, answers } = await burst(
      p,
      fileServer(TEN, FRESH),
      times({ method: "HEAD" }),
    );
    // Before: 6 requests in 2 round trips, in every burst.
    expect([asked, rounds, p.seen[0]?.method]).toEqual([1, 1, "GET"]);
    for (const { status, headers, body } of answers)
      expect([status, headers.get("Content-Length"), body]).toEqual([200, "10", ""]);
    expect((await p.get()).cache).toBe("HIT");
  });

  it("concurrent HEAD requests for a private resource wait one extra round trip only in the first burst, and then reach the origin as HEAD", async () => {
    const p = createProxy({ sharing: "safe" });
    const server = fileServer(TEN, { "Cache-Control": "private" });
    const heads = times({ method: "HEAD" });
    const [cold, next] = [await burst(p, server, heads), await burst(p, server, heads)];
    expect([cold.asked, cold.rounds, next.asked, next.rounds]).toEqual([6, 2, 6, 1]);
    expect(p.seen.slice(1).map(({ method }) => method)).toEqual(Array(11).fill("HEAD"));
    for (const { status, body } of cold.answers) expect([status, body]).toEqual([200, ""]);
  });

  it("for a HEAD request, the proxy cancels the origin's body if that body is too long to store", async () => {
    const p = createProxy({ sharing: "safe", maxBodyBytes: 1_000 });
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      cancel() {
        isCancelled = true;
      },
    });
    p.answers({ headers: { ...FRESH, "Content-Length": "5000" }, body });
    const { status, headers } = await p.send({ method: "HEAD" });
    expect([status, headers.get("Content-Length"), isCancelled]).toEqual([200, "5000", true]);
  });
});

describe("requests for parts and heads in rfc mode", () => {
  it("in rfc mode, concurrent HEAD requests or range requests for a resource that is not stored do not wait for each other", async () => {
    const p = createProxy();
    const server = fileServer(TEN, { "Cache-Control": "max-age=60", ETag: '"a"' });
    const heads = await burst(p, server, times({ method: "HEAD" }));
    expect([heads.asked, heads.rounds]).toEqual([6, 1]);
    const ranges = SIX.map((at) => ({ path: "/x", headers: { Range: `bytes=${at}-${at}` } }));
    const parts = await burst(p, server, ranges);
    expect([parts.asked, parts.rounds]).toEqual([6, 1]);
    expect(parts.answers.map(({ body }) => body)).toEqual(SIX.map(String));
  });
});

describe("an origin that hangs", () => {
  it("all concurrent requests for one resource of an origin that hangs get a 504 at the same deadline", async () => {
    const p = createProxy({ sharing: "safe", headersTimeout: 500 });
    p.answers(
      (request) =>
        new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    );
    const timed = async (): Promise<{ status: number; ms: number }> => {
      const startedAt = Date.now();
      const { status } = await p.get();
      return { status, ms: Date.now() - startedAt };
    };
    const leader = timed();
    await expect.poll(() => p.seen.length, { interval: 5 }).toBe(1);
    const followers = SIX.map(timed);
    for (const { status, ms } of await Promise.all([leader, ...followers])) {
      expect(status).toBe(504);
      // Before: 1,000 ms for a follower.
      expect(ms).toBeLessThan(800);
    }
  });
});
