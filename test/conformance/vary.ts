// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import type { Proxy } from "./proxy.ts";
import { of } from "./requirement.ts";

const rfc9111 = of(9111);
const varying = (vary: string | string[]) => ({ "Cache-Control": "max-age=3600", Vary: vary });

async function match(p: Proxy, vary: string | string[], one: object, other: object): Promise<void> {
  await reused(p, varying(vary), { asking: { ...one }, again: { ...other } });
}
async function noMatch(
  p: Proxy,
  vary: string | string[],
  one: object,
  other: object,
): Promise<void> {
  await notReused(p, varying(vary), { asking: { ...one }, again: { ...other } });
}

export const VARY = [
  rfc9111("4.1", "MUST NOT", "reuse where a selecting field differs", (p) =>
    noMatch(p, "Foo", { Foo: "1" }, { Foo: "2" }),
  ),
  rfc9111("4.1", "MUST NOT", "reuse where a selecting field is missing now", (p) =>
    noMatch(p, "Foo", { Foo: "1" }, {}),
  ),
  rfc9111("4.1", "MUST NOT", "reuse where a selecting field was missing", (p) =>
    noMatch(p, "Foo", {}, { Foo: "1" }),
  ),
  rfc9111("4.1", "MUST NOT", "take an empty field for a missing one", (p) =>
    noMatch(p, "Foo", {}, { Foo: "" }),
  ),
  rfc9111("4.1", "MAY", "reuse where it is missing in both", (p) =>
    match(p, "Foo", {}, { Bar: "1" }),
  ),
  rfc9111("4.1", "MAY", "reuse where it is the same", (p) =>
    match(p, "Foo", { Foo: "1" }, { Foo: "1" }),
  ),
  rfc9111("4.1", "MUST NOT", "reuse with Vary: *", (p) => noMatch(p, "*", {}, {})),
  rfc9111("4.1", "MUST NOT", "reuse with * among others", (p) => noMatch(p, "Foo, *", {}, {})),
  rfc9111("4.1", "MUST NOT", "reuse with * on another line", (p) =>
    noMatch(p, ["Foo", "*"], {}, {}),
  ),
  ...['Foo, "Bar"', "Foo Bar"].map((vary) =>
    rfc9111("4.1", "SHOULD NOT", `reuse where Vary is no list of fields: ${vary}`, (p) =>
      noMatch(p, vary, {}, {}),
    ),
  ),
  rfc9111("4.1", "MUST", "read field names in any case", (p) =>
    noMatch(p, "fOO", { Foo: "1" }, { Foo: "2" }),
  ),
  rfc9111("4.1", "MUST", "compare every field of several lines", (p) =>
    noMatch(p, ["Foo", "Bar"], { Foo: "1", Bar: "1" }, { Foo: "1", Bar: "2" }),
  ),
  rfc9111("4.1", "MUST NOT", "take the order of a list's members for nothing", (p) =>
    noMatch(p, "Foo", { Foo: "a, b" }, { Foo: "b, a" }),
  ),
  rfc9111("4.1", "MAY", "normalise the space around commas", (p) =>
    match(p, "Foo", { Foo: "a,b" }, { Foo: "a ,  b" }),
  ),
  rfc9111("4.1", "MAY", "normalise the case of languages", (p) =>
    match(p, "Accept-Language", { "Accept-Language": "en, de" }, { "Accept-Language": "EN, De" }),
  ),
  rfc9111("4.1", "MAY", "normalise the order of languages with weights", (p) =>
    match(
      p,
      "Accept-Language",
      { "Accept-Language": "en;q=0.5, de" },
      { "Accept-Language": "de, en; q=0.5" },
    ),
  ),
  rfc9111("4.1", "MUST NOT", "take another order of equal languages for the same", (p) =>
    noMatch(p, "Accept-Language", { "Accept-Language": "en, de" }, { "Accept-Language": "de, en" }),
  ),
  rfc9111("4.1", "MAY", "select by the language that is wanted most", async (p) => {
    p.answers({ headers: { ...varying("Accept-Language"), "Content-Language": "de" } });
    await p.get({ "Accept-Language": "de" });
    expect((await p.get({ "Accept-Language": "en;q=0.5, de;q=0.9" })).cache).toBe("HIT");
    await p.get({ "Accept-Language": "en, de" });
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("4.1", "MAY", "normalise Accept-Encoding", (p) =>
    match(
      p,
      "Accept-Encoding",
      { "Accept-Encoding": "gzip, br" },
      { "Accept-Encoding": "BR,gzip" },
    ),
  ),
  rfc9111("4.1", "MAY", "keep several variants at once", async (p) => {
    p.answers({ headers: varying("Foo") });
    for (const foo of ["1", "2", "3", "1", "2", "3"]) await p.get({ Foo: foo });
    expect(p.seen.length).toBe(3);
    expect((await p.get({ Foo: "2" })).body).toBe("2");
  }),
  rfc9111("4.1", "MUST", "use the newest where the selecting fields change", async (p) => {
    p.answers({ headers: varying("Foo") }, { headers: varying("Bar") });
    await p.get({ Foo: "1", Bar: "1" });
    await p.get({ Foo: "2", Bar: "1" });
    expect((await p.get({ Foo: "1", Bar: "1" })).body).toBe("2");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("4.1", "MAY", "ask with the entity tags of all variants on a mismatch", async (p) => {
    p.answers(
      { headers: { ...varying("Foo"), ETag: '"a"' } },
      { headers: { ...varying("Foo"), ETag: '"b"' } },
      { status: 304, headers: { ...varying("Foo"), ETag: '"a"' } },
    );
    await p.get({ Foo: "1" });
    await p.get({ Foo: "2" });
    const third = await p.get({ Foo: "3" });
    expect(p.seen[2]?.headers.get("If-None-Match")).toBe('"b", "a"');
    expect([third.status, third.body]).toEqual([200, "1"]);
    expect((await p.get({ Foo: "3" })).cache).toBe("HIT");
  }),
  rfc9111("4.1", "MUST", "validate each variant by its own tag", async (p) => {
    const tagged = (etag: string) => ({
      headers: { "Cache-Control": "max-age=10", Vary: "Foo", ETag: etag },
    });
    p.answers(tagged('"a"'), tagged('"b"'), { status: 304, headers: { ETag: '"a"' } });
    await p.get({ Foo: "1" });
    await p.get({ Foo: "2" });
    p.advance(11);
    const again = await p.get({ Foo: "1" });
    expect(p.seen[2]?.headers.get("If-None-Match")).toBe('"a"');
    expect([again.body, again.cache]).toEqual(["1", "REVALIDATED"]);
  }),
  rfc9111("4.4", "MUST", "invalidate every variant", async (p) => {
    p.answers({ headers: varying("Foo") });
    await p.get({ Foo: "1" });
    await p.get({ Foo: "2" });
    await p.send({ method: "POST" });
    await p.get({ Foo: "1" });
    await p.get({ Foo: "2" });
    expect(p.seen.length).toBe(5);
  }),
  rfc9111("4.1", "MUST", "find variants from another isolate", async (p) => {
    p.answers({ headers: varying("Foo") });
    await p.get({ Foo: "1" });
    await p.get({ Foo: "2" });
    const other = p.sibling();
    const host = new URL(p.seen[0]?.url ?? "").host;
    expect(host).toBe("origin.test");
    expect((await other.get({ Foo: "1" })).body).toBe("1");
    expect((await other.get({ Foo: "2" })).body).toBe("2");
    expect(p.seen.length).toBe(2);
  }),
];
