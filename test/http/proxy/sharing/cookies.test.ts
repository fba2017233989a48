/** Attack: a client gets the cookie that the origin set for another client. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const COOKIE = { "Set-Cookie": "sid=VICTIM" };
const SHARED = { "Cache-Control": "public, max-age=60" };

describe("Set-Cookie in safe mode", () => {
  it("a response that sets a cookie, and says nothing of sharing, is not given to another client", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(
      { headers: { ...COOKIE, "Cache-Control": "max-age=60" }, body: "token of VICTIM" },
      { headers: { "Cache-Control": "max-age=60" }, body: "token of another" },
    );
    expect((await p.get()).headers.get("Set-Cookie")).toBe("sid=VICTIM");
    const other = await p.get();
    expect([other.body, other.headers.get("Set-Cookie")]).toEqual(["token of another", null]);
  });

  it("a response that permits sharing is stored without its cookie", async () => {
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

  it("a streamed response is stored without its cookie", async () => {
    const p = createProxy({ sharing: "safe" });
    const body = "x".repeat(100_000);
    p.answers({ headers: { ...SHARED, ...COOKIE }, body });
    expect((await p.get()).headers.getSetCookie()).toEqual(["sid=VICTIM"]);
    const other = await p.get();
    expect([other.cache, other.body === body]).toEqual(["HIT", true]);
    expect(other.headers.get("Set-Cookie")).toBeNull();
  });

  it("the cookie of a 304 goes to the client whose request brought it, and to no other", async () => {
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

  it("no client gets the Set-Cookie field of a background refresh", async () => {
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

  it("the cookie in a response to a HEAD goes to no other client", async () => {
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

  it("a client whose own copy is current does not get another client's cookie with the 304", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { ...SHARED, ...COOKIE, ETag: '"a"' }, body: "page" });
    await p.get();
    const other = await p.get({ "If-None-Match": '"a"' });
    expect([other.status, other.headers.get("Set-Cookie")]).toEqual([304, null]);
  });
});
