// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);

export const FRESHNESS = [
  rfc9111("4.2.1", "MUST", "reuse within max-age", async (p) => {
    await reused(p, { "Cache-Control": "max-age=10" }, { after: 9 });
  }),
  rfc9111("4.2", "MUST NOT", "reuse one millisecond past max-age", (p) =>
    notReused(p, { "Cache-Control": "max-age=10" }, { after: 10 }),
  ),
  rfc9111("4.2.1", "MUST", "prefer s-maxage to max-age", (p) =>
    reused(p, { "Cache-Control": "max-age=1, s-maxage=10" }, { after: 9 }),
  ),
  rfc9111("4.2.1", "MUST", "prefer a shorter s-maxage to max-age", (p) =>
    notReused(p, { "Cache-Control": "max-age=100, s-maxage=10" }, { after: 11 }),
  ),
  rfc9111("5.3", "MUST", "ignore Expires if there is max-age", (p) =>
    notReused(p, { "Cache-Control": "max-age=10", Expires: p.date(1_000) }, { after: 11 }),
  ),
  rfc9111("5.3", "MUST", "ignore a past Expires if there is max-age", (p) =>
    reused(p, { "Cache-Control": "max-age=10", Expires: "0" }, { after: 9 }),
  ),
  rfc9111("4.2.1", "MUST", "reuse within Expires minus Date", (p) =>
    reused(p, { Expires: p.date(10) }, { after: 8 }),
  ),
  rfc9111("4.2.1", "MUST NOT", "reuse past Expires", (p) =>
    notReused(p, { Expires: p.date(10) }, { after: 11 }),
  ),
  rfc9111("4.2.1", "MUST", "measure Expires from Date if the origin's clock is behind", (p) =>
    notReused(p, { Expires: p.date(5), Date: p.date(-10) }, { after: 6 }),
  ),
  ...[
    "0",
    "-1",
    "Thu, 01 Jan 2099",
    "Thu, 31 Feb 2099 00:00:00 GMT",
    "Thu, 01 Jan 2099 00:00:00 UTC",
    "Thu, 01 Jan 2099 00:00:00 +0000",
    "Thu,  01 Jan 2099 00:00:00 GMT",
    "Thu, 1 Jan 2099 00:00:00 GMT",
    "Thu, 01 Jan 2099 0:00:00 GMT",
    "Thu, 01 Jan 99 00:00:00 GMT",
    "Thu 01 Jan 2099 00:00:00 GMT",
    "Thu, 01-Jan-2099 00:00:00 GMT",
    "Thu, 01 Jan 2099 00.00.00 GMT",
    "Thu, 01 Jan 2099 00:00:00",
  ].map((expires) =>
    rfc9111("5.3", "MUST", `treat an invalid Expires as past: ${expires}`, (p) =>
      notReused(p, { Expires: expires, "Last-Modified": p.date(-100_000) }),
    ),
  ),
  ...[
    "Fri Jan  1 00:00:00 2038",
    "Friday, 01-Jan-38 00:00:00 GMT",
    "FRI, 01 JAN 2038 00:00:00 GMT",
  ].map((expires) =>
    rfc9111("4.2", "MUST", `accept every form of a date: ${expires}`, (p) =>
      reused(p, { Expires: expires }),
    ),
  ),
  rfc9111("5.3", "MUST", "treat a repeated Expires as past", (p) =>
    notReused(p, { Expires: [p.date(1_000), p.date(2_000)] }),
  ),
  rfc9111("4.2.1", "SHOULD", "use the least of repeated max-age", (p) =>
    notReused(p, { "Cache-Control": "max-age=100, max-age=10" }, { after: 11 }),
  ),
  rfc9111("4.2.1", "SHOULD", "use the least of max-age on two lines", (p) =>
    notReused(p, { "Cache-Control": ["max-age=10", "max-age=100"] }, { after: 11 }),
  ),
  ...[
    'max-age="10"',
    "MAX-AGE=10",
    "foo, max-age=10",
    'foo="max-age=1", max-age=10',
    "max-age=10,",
    ", ,max-age=10",
    "max-age=00010",
  ].map((control) =>
    rfc9111("5.2", "MUST", `read ${control} as 10 s`, async (p) => {
      await reused(p, { "Cache-Control": control }, { after: 9 });
      p.advance(2);
      await p.get();
      expect(p.seen.length).toBe(2);
    }),
  ),
  ...[
    "max-age=-10",
    "max-age=10.5",
    "max-age=1e3",
    "max-age=abc",
    "max-age",
    "max-age=",
    "max-age= 10",
    "max-age =10",
    "max-age='10'",
    'foo="max-age=10"',
    "max-age=10s",
    "max-age=０",
  ].map((control) =>
    rfc9111("4.2.1", "SHOULD", `treat ${control.replace("０", "a wide digit")} as stale`, (p) =>
      notReused(p, { "Cache-Control": control.replace("０", "\u00b2") }),
    ),
  ),
  rfc9111("1.2.2", "MUST", "treat delta-seconds over 2^31 as 2^31", (p) =>
    reused(p, { "Cache-Control": "max-age=99999999999999999999" }, { after: 86_400 }),
  ),
  rfc9111("4.2.3", "MUST", "add the Age that the response arrived with", (p) =>
    notReused(p, { "Cache-Control": "max-age=10", Age: "8" }, { after: 2 }),
  ),
  rfc9111("4.2.3", "MUST", "reuse while Age and resident time are under the lifetime", (p) =>
    reused(p, { "Cache-Control": "max-age=10", Age: "8" }, { after: 1 }),
  ),
  ...["8, 1", "8 , x"].map((age) =>
    rfc9111("5.1", "SHOULD", `use the first member of Age: ${age}`, (p) =>
      notReused(p, { "Cache-Control": "max-age=10", Age: age }, { after: 3 }),
    ),
  ),
  ...["abc", "-8", "8.0", '"x"', '"8"', "8s"].map((age) =>
    rfc9111("5.1", "SHOULD", `ignore the invalid Age ${age}`, (p) =>
      reused(p, { "Cache-Control": "max-age=10", Age: age }, { after: 9 }),
    ),
  ),
  rfc9111("4.2.3", "MUST", "treat an Age over 2^31 as 2^31", (p) =>
    notReused(p, { "Cache-Control": "max-age=2147483648", Age: "9999999999" }),
  ),
  rfc9111("4.2.3", "MUST", "count the apparent age of an old Date", (p) =>
    notReused(p, { "Cache-Control": "max-age=10", Date: p.date(-11) }),
  ),
  rfc9111("4.2.3", "MUST", "count the response delay of the origin", async (p) => {
    p.answers({ headers: { "Cache-Control": "max-age=10" }, takesMs: 8_000 });
    await p.get();
    p.advance(3);
    await p.get();
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("4.2.3", "MUST", "use the time of reception if Date is invalid", (p) =>
    reused(p, { "Cache-Control": "max-age=10", Date: "yesterday" }, { after: 9 }),
  ),
  rfc9111("5.1", "MUST", "send Age in seconds on reuse", async (p) => {
    p.answers({ headers: { "Cache-Control": "max-age=100", Age: "30" } });
    expect((await p.get()).headers.get("Age")).toBe("30");
    p.advance(5.5);
    expect((await p.get()).headers.get("Age")).toBe("35");
  }),
  rfc9111("5.1", "MUST NOT", "send Age if the origin was asked", async (p) => {
    p.answers({ headers: { "Cache-Control": "max-age=100" } });
    expect((await p.get()).headers.get("Age")).toBeNull();
  }),
  rfc9111("4.2.3", "MUST NOT", "change Date or Expires", async (p) => {
    const [date, expires] = [p.date(), p.date(100)];
    p.answers({ headers: { Date: date, Expires: expires } });
    await p.get();
    p.advance(10);
    const { headers } = await p.get();
    expect([headers.get("Date"), headers.get("Expires")]).toEqual([date, expires]);
  }),
  ...[200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map((status) =>
    rfc9111(
      "4.2.2",
      "MAY",
      `give ${status} 10 % of the time since Last-Modified as lifetime`,
      async (p) => {
        await reused(p, { "Last-Modified": p.date(-100) }, { after: 9, status });
        p.advance(2);
        await p.get();
        expect(p.seen.length).toBe(2);
      },
    ),
  ),
  ...[201, 202, 302, 307, 400, 403, 500, 503, 599].map((status) =>
    rfc9111("4.2.2", "MUST NOT", `give ${status} a heuristic lifetime`, (p) =>
      notReused(p, { "Last-Modified": p.date(-100_000) }, { status }),
    ),
  ),
  rfc9111("4.2.2", "MAY", "give any status with public a heuristic lifetime", (p) =>
    reused(p, { "Last-Modified": p.date(-100_000), "Cache-Control": "public" }, { status: 599 }),
  ),
  rfc9111("4.2.2", "MUST NOT", "use a heuristic if freshness is explicit", (p) =>
    notReused(p, { "Last-Modified": p.date(-100_000), "Cache-Control": "max-age=0" }),
  ),
  rfc9111("3", "MAY", "reuse a response that arrived old, after days in the cache", (p) =>
    reused(p, { "Cache-Control": "max-age=31536000", Age: "20000000" }, { after: 5 * 86_400 }),
  ),
];
