/** Conditional requests for a response that is not stored: safe mode fills the cache with it. */
import { describe, expect, it } from "vitest";
import { logKeysOfPurge } from "../../../src/core/invalidation-key.ts";
import { createProxy, type Scripted, type Sending } from "../../conformance/proxy.ts";
import { createTestIsolate } from "../../support/isolate.ts";
import { burst } from "../../support/rounds.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"a"', "Cache-Tag": "one" };
const HERD = 30;

/** An origin that evaluates conditions itself. */
const origin =
  (headers: Readonly<Record<string, string>>, body = "whole") =>
  (request: Request): Scripted =>
    request.headers.get("If-None-Match") === headers["ETag"]
      ? { status: 304, headers }
      : { headers, body };

const herd = (headers: Readonly<Record<string, string>>): Sending[] =>
  Array.from({ length: HERD }, () => ({ path: "/x", headers }));

describe("a conditional request for a response that is not stored", () => {
  it("30 concurrent conditional requests for a resource that is not cached cause one origin request, and each client gets a 304", async () => {
    const p = createProxy({ sharing: "safe" });
    const { asked, rounds, answers } = await burst(
      p,
      origin(FRESH),
      herd({ "If-None-Match": '"a"' }),
    );
    // Before: 30 requests.
    expect([asked, rounds]).toEqual([1, 1]);
    expect(answers.map(({ status }) => status)).toEqual(Array(HERD).fill(304));
    expect(p.seen[0]?.headers.get("If-None-Match")).toBeNull();
    const hit = await p.get();
    expect([hit.status, hit.body, hit.cache]).toEqual([200, "whole", "HIT"]);
  });

  it("after a purge, 30 concurrent conditional requests in each of two isolates cause one request to the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    const sibling = p.sibling();
    p.answers(origin(FRESH));
    await p.get();
    await sibling.get();
    const other = createTestIsolate({ namespace: p.layer.config.namespace });
    const tags = logKeysOfPurge({ tags: ["one"] });
    await other.layer.coherence.invalidate(tags, other.request().ctx);
    p.advance(1.1);
    const there = Promise.all(
      Array.from({ length: HERD }, () => sibling.get({ "If-None-Match": '"a"' })),
    );
    const { answers } = await burst(p, origin(FRESH, "new"), herd({ "If-None-Match": '"a"' }));
    for (const { status } of [...answers, ...(await there)]) expect(status).toBe(304);
    expect(p.seen.length).toBe(2);
  });

  it("concurrent conditional requests share one load, and each gets the status that its own condition requires: 200, 206 or 304", async () => {
    const p = createProxy({ sharing: "safe" });
    const modified = p.date(-100);
    const { asked, answers } = await burst(p, origin({ ...FRESH, "Last-Modified": modified }), [
      { path: "/x", headers: { "If-None-Match": '"a"' } },
      { path: "/x", headers: { "If-None-Match": '"old"' } },
      { path: "/x", headers: { "If-Modified-Since": modified } },
      { path: "/x", headers: { "If-Modified-Since": p.date(-200) } },
      { path: "/x", headers: { "If-None-Match": '"a"', Range: "bytes=0-1" } },
      { path: "/x", headers: { "If-Range": '"a"', Range: "bytes=0-1" } },
      { path: "/x", headers: { "If-Range": '"old"', Range: "bytes=0-1" } },
      { path: "/x" },
    ]);
    expect(asked).toBe(1);
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [304, ""],
      [200, "whole"],
      [304, ""],
      [200, "whole"],
      [304, ""],
      [206, "wh"],
      [200, "whole"],
      [200, "whole"],
    ]);
  });

  it("a client whose entity tag is current gets a 304 before the body from the origin has arrived, and the proxy stores that body", async () => {
    const p = createProxy({ sharing: "safe" });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        await released;
        controller.enqueue(new TextEncoder().encode("whole"));
        controller.close();
      },
    });
    p.answers({ headers: FRESH, body });
    const { response, settle } = await p.open({ headers: { "If-None-Match": '"a"' } });
    expect(response.status).toBe(304);
    release();
    await settle();
    const hit = await p.get();
    expect([hit.body, hit.cache, p.seen.length]).toEqual(["whole", "HIT", 1]);
  });

  it("a conditional request for a variant that is not stored makes the proxy store that variant", async () => {
    const p = createProxy({ sharing: "safe" });
    const varying = { ...FRESH, Vary: "Foo" };
    p.answers(origin(varying));
    for (const Foo of ["1", "2"])
      expect((await p.get({ Foo, "If-None-Match": '"a"' })).status).toBe(304);
    expect((await p.get({ Foo: "1" })).cache).toBe("HIT");
    expect((await p.get({ Foo: "2" })).body).toBe("whole");
  });

  it("the proxy forwards the If-Match field of a request for a response that is not stored", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ status: 412 });
    expect((await p.get({ "If-Match": '"b"', "If-None-Match": '"a"' })).status).toBe(412);
    expect(p.seen[0]?.headers.get("If-Match")).toBe('"b"');
  });
});

describe("a conditional request for a response that may not be stored", () => {
  const PRIVATE = { "Cache-Control": "private", ETag: '"a"' };

  it("for a private response, the proxy makes the first 304 itself and forwards the conditions of later requests to the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(origin(PRIVATE));
    for (let request = 0; request < 3; request++) {
      const { status, headers } = await p.get({ "If-None-Match": '"a"' });
      expect([status, headers.get("ETag")]).toEqual([304, '"a"']);
      p.advance(60);
    }
    expect(p.seen.map(({ headers }) => headers.get("If-None-Match"))).toEqual([null, '"a"', '"a"']);
  });

  it("six concurrent conditional requests for a private response wait one extra round trip to the origin in the first burst, and none later", async () => {
    const p = createProxy({ sharing: "safe" });
    const bursts = [];
    for (let times = 0; times < 3; times++) {
      bursts.push(await burst(p, origin(PRIVATE), herd({ "If-None-Match": '"a"' }).slice(0, 6)));
      p.advance(60);
    }
    expect(bursts.map(({ rounds }) => rounds)).toEqual([2, 1, 1]);
    for (const { answers } of bursts)
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(304));
  });

  it("a conditional request with an old entity tag for a private response gets a 200 with the whole body", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(origin(PRIVATE));
    const { status, body } = await p.get({ "If-None-Match": '"old"' });
    expect([status, body]).toEqual([200, "whole"]);
  });
});
