/** Attack: a client gets the cookie that the origin set for another client. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const COOKIE = { "Set-Cookie": "sid=VICTIM" };
const SHARED = { "Cache-Control": "public, max-age=60" };

describe("Set-Cookie in safe mode", () => {
  it("in safe mode, a response with Set-Cookie and max-age, but without a permission to share, is not sent to another client", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(
      { headers: { ...COOKIE, "Cache-Control": "max-age=60" }, body: "token of VICTIM" },
      { headers: { "Cache-Control": "max-age=60" }, body: "token of another" },
    );
    expect((await p.get()).headers.get("Set-Cookie")).toBe("sid=VICTIM");
    const other = await p.get();
    expect([other.body, other.headers.get("Set-Cookie")]).toEqual(["token of another", null]);
  });

  it("in safe mode, a response with `public` is stored without its Set-Cookie fields", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({
      headers: { ...SHARED, "Set-Cookie": ["sid=VICTIM", "csrf=VICTIM"] },
      body: "page",
    });
    const victim = await p.get();
    expect(victim.headers.getSetCookie()).toEqual(["sid=VICTIM", "csrf=VICTIM"]);
    for (const isolate of [p, p.sibling()]) {
      const other = await isolate.get();
      expect([other.body, other.cache]).toEqual(["page", "HIT"]);
      expect(other.headers.getSetCookie()).toEqual([]);
    }
  });

  it("in safe mode, a streamed response of 100,000 bytes with `public` is stored without its Set-Cookie field", async () => {
    const p = createProxy({ sharing: "safe" });
    const body = "x".repeat(100_000);
    p.answers({ headers: { ...SHARED, ...COOKIE }, body });
    expect((await p.get()).headers.getSetCookie()).toEqual(["sid=VICTIM"]);
    const other = await p.get();
    expect([other.cache, other.body === body]).toEqual(["HIT", true]);
    expect(other.headers.get("Set-Cookie")).toBeNull();
  });

  it("the Set-Cookie field of a 304 from the origin reaches the client whose request caused the revalidation, and no other client", async () => {
    const p = createProxy({ sharing: "safe" });
    const tagged = { "Cache-Control": "public, max-age=1", ETag: '"a"' };
    p.answers({ headers: tagged, body: "page" });
    await p.get();
    p.advance(2);
    p.answers({
      status: 304,
      headers: { ...tagged, "Cache-Control": "public, max-age=60", ...COOKIE },
    });
    const victim = await p.get({ Cookie: "sid=old" });
    expect([victim.body, victim.headers.getSetCookie()]).toEqual(["page", ["sid=VICTIM"]]);
    const other = await p.get();
    expect([other.cache, other.headers.get("Set-Cookie")]).toEqual(["HIT", null]);
  });

  it("no client gets the Set-Cookie field of the origin's response to a background refresh", async () => {
    const p = createProxy({ sharing: "safe" });
    const swr = { "Cache-Control": "public, max-age=1, stale-while-revalidate=60", ETag: '"a"' };
    p.answers({ headers: swr, body: "page" });
    await p.get();
    p.advance(2);
    p.answers({ status: 304, headers: { ...swr, ...COOKIE } });
    expect((await p.get()).headers.get("Set-Cookie")).toBeNull();
    const next = await p.get();
    expect([next.cache, next.headers.get("Set-Cookie")]).toEqual(["HIT", null]);
  });

  it("the Set-Cookie field of a response to HEAD reaches the client that sent the HEAD, and no other client", async () => {
    const p = createProxy({ sharing: "safe" });
    const tagged = { "Cache-Control": "public, max-age=1", ETag: '"a"' };
    p.answers({ headers: tagged, body: "page" });
    await p.get();
    p.advance(2);
    p.answers({ headers: { ...tagged, "Cache-Control": "public, max-age=60", ...COOKIE } });
    expect((await p.send({ method: "HEAD" })).headers.get("Set-Cookie")).toBe("sid=VICTIM");
    const other = await p.get();
    expect([other.cache, other.headers.get("Set-Cookie")]).toEqual(["HIT", null]);
  });

  it("a client whose If-None-Match matches a stored response gets a 304 without the Set-Cookie field that another client received", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...SHARED, ...COOKIE, ETag: '"a"' }, body: "page" });
    await p.get();
    const other = await p.get({ "If-None-Match": '"a"' });
    expect([other.status, other.headers.get("Set-Cookie")]).toEqual([304, null]);
  });
});
