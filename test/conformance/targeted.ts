// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import { of } from "./requirement.ts";

const rfc9213 = of(9213);
const cdn = (value: string | string[], plain = "no-store") => ({
  "CDN-Cache-Control": value,
  "Cache-Control": plain,
});

export const TARGETED = [
  rfc9213("2.2", "MUST", "use a targeted field in place of Cache-Control", (p) =>
    reused(p, cdn("max-age=10"), { after: 9 }),
  ),
  rfc9213("2.2", "MUST", "use a stricter targeted field", (p) =>
    notReused(p, cdn("no-store", "max-age=100")),
  ),
  rfc9213("2.2", "MUST", "use a shorter targeted max-age", (p) =>
    notReused(p, cdn("max-age=10", "max-age=100"), { after: 11 }),
  ),
  rfc9213("2.2", "MUST", "ignore Expires where there is a targeted field", (p) =>
    reused(p, { ...cdn("max-age=10"), Expires: "0" }),
  ),
  rfc9213(
    "2.2",
    "MUST",
    "not use Expires where there is a targeted field without a lifetime",
    (p) => notReused(p, { "CDN-Cache-Control": "foo", Expires: p.date(100) }),
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
    rfc9213("2.1", "MUST", `ignore what does not parse: ${value}`, (p) =>
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
    rfc9213("2.1", "MUST", `ignore a member of another type: ${value}`, (p) =>
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
    rfc9213("2.1", "MUST", `read ${value.trim()}`, async (p) => {
      await reused(p, cdn(value), { after: 9 });
      p.advance(2);
      await p.get();
      expect(p.seen.length).toBe(2);
    }),
  ),
  rfc9213("2.1", "MUST", "join several lines", (p) => reused(p, cdn(["foo", "max-age=10"]))),
  ...[
    "no-cache, max-age=10",
    "private, max-age=10",
    "max-age=0",
    "max-age=-5",
    "no-store;a, max-age=10",
  ].map((value) =>
    rfc9213("2.1", "MUST", `honour ${value}`, (p) => notReused(p, cdn(value, "max-age=100"))),
  ),
  rfc9213("2.2", "MUST", "hand the field on", async (p) => {
    p.answers({ headers: cdn("max-age=10") });
    expect((await p.get()).headers.get("CDN-Cache-Control")).toBe("max-age=10");
    const { headers } = await p.get();
    expect([headers.get("CDN-Cache-Control"), headers.get("Cache-Control")]).toEqual([
      "max-age=10",
      "no-store",
    ]);
  }),
  rfc9213("2.2", "MUST", "ignore targets that are not ours", (p) =>
    notReused(p, { "Foo-Cache-Control": "max-age=100", "Cache-Control": "no-store" }),
  ),
  rfc9213("2.2", "MUST", "serve stale by the targeted field", async (p) => {
    p.answers({ headers: cdn("max-age=10, stale-while-revalidate=10") });
    await p.get();
    p.advance(11);
    expect((await p.get()).body).toBe("1");
  }),
];
