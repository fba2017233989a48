// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import type { Proxy } from "./proxy.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);
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
  rfc9111("4.1", "MUST NOT", "reuse if a selecting field differs", (p) =>
    noMatch(p, "Foo", { Foo: "1" }, { Foo: "2" }),
  ),
  rfc9111("4.1", "MUST NOT", "reuse if a selecting field is missing from the new request", (p) =>
    noMatch(p, "Foo", { Foo: "1" }, {}),
  ),
  rfc9111(
    "4.1",
    "MUST NOT",
    "reuse if a selecting field was missing from the original request",
    (p) => noMatch(p, "Foo", {}, { Foo: "1" }),
  ),
  rfc9111("4.1", "MUST NOT", "treat an empty selecting field as a missing one", (p) =>
    noMatch(p, "Foo", {}, { Foo: "" }),
  ),
  rfc9111("4.1", "MAY", "reuse if a selecting field is missing from both requests", (p) =>
    match(p, "Foo", {}, { Bar: "1" }),
  ),
  rfc9111("4.1", "MAY", "reuse if the selecting field is the same", (p) =>
    match(p, "Foo", { Foo: "1" }, { Foo: "1" }),
  ),
  rfc9111("4.1", "MUST NOT", "reuse with Vary: *", (p) => noMatch(p, "*", {}, {})),
  rfc9111("4.1", "MUST NOT", "reuse if Vary has * among other members", (p) =>
    noMatch(p, "Foo, *", {}, {}),
  ),
  rfc9111("4.1", "MUST NOT", "reuse if Vary has * on a second line", (p) =>
    noMatch(p, ["Foo", "*"], {}, {}),
  ),
  ...['Foo, "Bar"', "Foo Bar"].map((vary) =>
    rfc9111("4.1", "SHOULD NOT", `reuse if Vary is no list of field names: ${vary}`, (p) =>
      noMatch(p, vary, {}, {}),
    ),
  ),
  rfc9111("4.1", "MUST", "read field names in Vary in any case", (p) =>
    noMatch(p, "fOO", { Foo: "1" }, { Foo: "2" }),
  ),
  rfc9111("4.1", "MUST", "compare the fields of every line of Vary", (p) =>
    noMatch(p, ["Foo", "Bar"], { Foo: "1", Bar: "1" }, { Foo: "1", Bar: "2" }),
  ),
  rfc9111("4.1", "MUST NOT", "ignore the order of list members in a selecting field", (p) =>
    noMatch(p, "Foo", { Foo: "a, b" }, { Foo: "b, a" }),
  ),
  rfc9111("4.1", "MAY", "normalise spaces around commas in selecting fields", (p) =>
    match(p, "Foo", { Foo: "a,b" }, { Foo: "a ,  b" }),
  ),
  rfc9111("4.1", "MAY", "normalise the case of Accept-Language", (p) =>
    match(p, "Accept-Language", { "Accept-Language": "en, de" }, { "Accept-Language": "EN, De" }),
  ),
  rfc9111("4.1", "MAY", "normalise the order of weighted languages in Accept-Language", (p) =>
    match(
      p,
      "Accept-Language",
      { "Accept-Language": "en;q=0.5, de" },
      { "Accept-Language": "de, en; q=0.5" },
    ),
  ),
  rfc9111("4.1", "MUST NOT", "ignore the order of equally weighted languages", (p) =>
    noMatch(p, "Accept-Language", { "Accept-Language": "en, de" }, { "Accept-Language": "de, en" }),
  ),
  rfc9111("4.1", "MAY", "select a variant in the most preferred language", async (p) => {
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
  rfc9111("4.1", "MAY", "store several variants at once", async (p) => {
    p.answers({ headers: varying("Foo") });
    for (const foo of ["1", "2", "3", "1", "2", "3"]) await p.get({ Foo: foo });
    expect(p.seen.length).toBe(3);
    expect((await p.get({ Foo: "2" })).body).toBe("2");
  }),
  rfc9111("4.1", "MUST", "use the newest response if the selecting fields change", async (p) => {
    p.answers({ headers: varying("Foo") }, { headers: varying("Bar") });
    await p.get({ Foo: "1", Bar: "1" });
    await p.get({ Foo: "2", Bar: "1" });
    expect((await p.get({ Foo: "1", Bar: "1" })).body).toBe("2");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("4.1", "MAY", "send the entity tags of all variants if none matches", async (p) => {
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
  rfc9111("4.1", "MUST", "revalidate each variant by its own entity tag", async (p) => {
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
  rfc9111("4.1", "MUST", "find the variants that another isolate stored", async (p) => {
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
