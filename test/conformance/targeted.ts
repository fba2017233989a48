// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9213 = requirementsOf(9213);
const cdn = (value: string | string[], plain = "no-store") => ({
  "CDN-Cache-Control": value,
  "Cache-Control": plain,
});

export const TARGETED = [
  rfc9213("2.2", "MUST", "use CDN-Cache-Control instead of Cache-Control", (p) =>
    reused(p, cdn("max-age=10"), { after: 9 }),
  ),
  rfc9213("2.2", "MUST", "use a stricter CDN-Cache-Control", (p) =>
    notReused(p, cdn("no-store", "max-age=100")),
  ),
  rfc9213("2.2", "MUST", "use a shorter max-age in CDN-Cache-Control", (p) =>
    notReused(p, cdn("max-age=10", "max-age=100"), { after: 11 }),
  ),
  rfc9213("2.2", "MUST", "ignore Expires if there is CDN-Cache-Control", (p) =>
    reused(p, { ...cdn("max-age=10"), Expires: "0" }),
  ),
  rfc9213("2.2", "MUST", "ignore Expires if CDN-Cache-Control has no lifetime", (p) =>
    notReused(p, { "CDN-Cache-Control": "foo", Expires: p.date(100) }),
  ),
  ...[
    "",
    " ",
    "max-age=10,",
    "MAX-AGE=10",
    "max-age=10;",
    "max-age=10 no-store",
    "max-age==10",
    "max-age=10, ,foo",
    "&",
    'max-age="10',
    "max-age=10.",
    "no-store, =1",
    "max-age=10, Foo",
    "max-age=1234567890123456",
    "foo=?2, no-store",
  ].map((value) =>
    rfc9213("2.1", "MUST", `ignore a malformed CDN-Cache-Control: ${value}`, (p) =>
      reused(p, cdn(value, "max-age=100"), { after: 50 }),
    ),
  ),
  ...[
    'max-age="10"',
    "max-age=10.0",
    "max-age=?1",
    "max-age",
    "max-age=abc",
    "max-age=(10)",
    "max-age=:aaaa:",
  ].map((value) =>
    rfc9213("2.1", "MUST", `ignore a CDN-Cache-Control member of the wrong type: ${value}`, (p) =>
      notReused(p, cdn(value, "max-age=100")),
    ),
  ),
  ...[
    "max-age=10;foo=bar",
    "foo, max-age=10",
    "max-age=1, max-age=10",
    " max-age=10 ",
    "foo=(a b);c, max-age=10",
    'foo="x, no-store", max-age=10',
    "max-age=10,\tfoo",
    "no-store=?0, max-age=10",
    "private=?0,max-age=10",
  ].map((value) =>
    rfc9213("2.1", "MUST", `read CDN-Cache-Control: ${value.trim()}`, async (p) => {
      await reused(p, cdn(value), { after: 9 });
      p.advance(2);
      await p.get();
      expect(p.seen.length).toBe(2);
    }),
  ),
  rfc9213("2.1", "MUST", "join several lines of CDN-Cache-Control", (p) =>
    reused(p, cdn(["foo", "max-age=10"])),
  ),
  ...[
    "no-cache, max-age=10",
    "private, max-age=10",
    "max-age=0",
    "max-age=-5",
    "no-store;a, max-age=10",
  ].map((value) =>
    rfc9213("2.1", "MUST", `obey CDN-Cache-Control: ${value}`, (p) =>
      notReused(p, cdn(value, "max-age=100")),
    ),
  ),
  rfc9213("2.2", "MUST", "relay CDN-Cache-Control to the client", async (p) => {
    p.answers({ headers: cdn("max-age=10") });
    expect((await p.get()).headers.get("CDN-Cache-Control")).toBe("max-age=10");
    const { headers } = await p.get();
    expect([headers.get("CDN-Cache-Control"), headers.get("Cache-Control")]).toEqual([
      "max-age=10",
      "no-store",
    ]);
  }),
  rfc9213("2.2", "MUST", "ignore the targeted fields of other caches", (p) =>
    notReused(p, { "Foo-Cache-Control": "max-age=100", "Cache-Control": "no-store" }),
  ),
  rfc9213("2.2", "MUST", "use stale-while-revalidate in CDN-Cache-Control", async (p) => {
    p.answers({ headers: cdn("max-age=10, stale-while-revalidate=10") });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("1");
  }),
];
