/** Attack: two requests that the origin tells apart are taken for the same one. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const DIFFERENT = [
  ["Cookie", "cart=1,2", "cart=1,,2"],
  ["Cookie", "cart=1,2", "cart=1, 2"],
  ["Cookie", 'a="x', "a=x"],
  ["X-Session", "a,,b", "a,b"],
  ["X-Session", "a,", "a"],
  ["X-Session", ",a", "a"],
  ["Accept-Language", "de;q=bad", "de;q=0"],
  ["Accept-Language", "de;q=1.5", "de"],
  ["Accept-Language", "de;q=0x1", "de"],
  ["Accept-Language", "de;q=", "de;q=0"],
] as const;

const SAME = [
  ["Cookie", "a=1; b=2", "a=1;b=2"],
  ["X-Session", "a, b", "a,b"],
  ["Accept", "text/html,,text/plain", "text/html, text/plain"],
  ["Accept-Language", "de;q=0.50, en", "en, de;q=0.5"],
  ["Accept-Encoding", "gzip, br", "br,,gzip"],
] as const;

describe.each(["safe", "rfc"] as const)("the values of a field in Vary, in %s mode", (sharing) => {
  const headersFor = (name: string) => ({ "Cache-Control": "public, max-age=600", Vary: name });

  it.each(DIFFERENT)(
    `in ${sharing} mode, a stored response with Vary: %s for the field value "%s" does not answer a request with the value "%s"`,
    async (name, one, other) => {
      const p = createProxy({ sharing });
      p.answers({ headers: headersFor(name) });
      await p.get({ [name]: one });
      expect((await p.get({ [name]: other })).body).toBe("2");
    },
  );

  it.each(SAME)(
    `in ${sharing} mode, a stored response with Vary: %s for the field value "%s" answers a request with the value "%s"`,
    async (name, one, other) => {
      const p = createProxy({ sharing });
      p.answers({ headers: headersFor(name) });
      await p.get({ [name]: one });
      expect((await p.get({ [name]: other })).cache).toBe("HIT");
    },
  );
});

describe.each(["safe", "rfc"] as const)("a 304 with a shorter Vary, in %s mode", (sharing) => {
  // Express with cors and compression: only a response with a body has Accept-Encoding in Vary.
  const stored = {
    "Cache-Control": "public, max-age=1",
    ETag: '"a"',
    Vary: "Origin, Accept-Language",
  };

  async function revalidated(vary: string) {
    const p = createProxy({ sharing });
    p.answers({ headers: stored, body: "english" });
    await p.get({ "Accept-Language": "en" });
    p.advance(2);
    const headers = { "Cache-Control": "public, max-age=600", ETag: '"a"', Vary: vary };
    p.answers({ status: 304, headers });
    const answer = await p.get({ "Accept-Language": "en" });
    expect([answer.body, answer.cache]).toEqual(["english", "REVALIDATED"]);
    p.answers({ headers: { ...headers, ETag: '"b"', Vary: stored.Vary }, body: "deutsch" });
    return { p, answer };
  }

  it(`in ${sharing} mode, after a 304 without Accept-Language in Vary, the stored response still does not answer another Accept-Language`, async () => {
    const { p } = await revalidated("Origin");
    expect((await p.get({ "Accept-Language": "de" })).body).toBe("deutsch");
    expect((await p.get({ "Accept-Language": "en" })).body).toBe("english");
  });

  it.each([
    ["origin", "origin, Accept-Language"],
    ["X-Tenant", "X-Tenant, Origin, Accept-Language"],
    ["Accept-Language, Origin", "Accept-Language, Origin"],
  ])(
    `in ${sharing} mode, if a 304 with Vary: %s confirms a response with Vary: Origin, Accept-Language, the client gets Vary: %s`,
    async (vary, expected) => {
      const { answer } = await revalidated(vary);
      expect(answer.headers.get("Vary")).toBe(expected);
    },
  );
});
