/** Compares storage decisions with http-cache-semantics. Every difference must have a listed reason. */
import { readFileSync } from "node:fs";
import CachePolicy from "http-cache-semantics";
import fc from "fast-check";
import { expect, it } from "vitest";
import { RFC_SHARING } from "../../src/http/cache/sharing-rules.ts";
import { decideStorage } from "../../src/http/cache/storage-decision.ts";
import { readerOf } from "../../src/http/rfc/fields.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const LIMITS = { disconnectedMs: 0, validateMs: 0, maxMs: Infinity };
const date = (seconds: number): string => new Date(NOW + seconds * 1_000).toUTCString();

class PolicyAt extends CachePolicy {
  override now(): number {
    return NOW;
  }
}

interface Case {
  readonly status: number;
  readonly control: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly asking: Readonly<Record<string, string>>;
}

const cases: fc.Arbitrary<Case> = fc.record({
  status: fc.constantFrom(
    200,
    203,
    204,
    206,
    300,
    301,
    302,
    307,
    308,
    404,
    405,
    410,
    414,
    501,
    500,
    503,
    599,
  ),
  control: fc.subarray(
    [
      "max-age=60",
      "MAX-AGE=50",
      "max-age=1.5",
      's-maxage="30"',
      "s-maxage=90",
      "public",
      "private",
      'private="x"',
      "no-store",
      "no-cache",
      'no-cache="x"',
      "must-revalidate",
      "proxy-revalidate",
      "immutable",
      "must-understand",
    ],
    { maxLength: 3 },
  ),
  headers: fc.record(
    {
      Expires: fc.constantFrom(date(100), "0", "Thu, 01 Jan 2099", "2099-01-01T00:00:00Z"),
      "Last-Modified": fc.constantFrom(date(-1_000), date(-100_000)),
      Age: fc.constantFrom("10", "100", "x"),
      Vary: fc.constantFrom("*", "Foo", "Foo, *"),
      Pragma: fc.constant("no-cache"),
      "Set-Cookie": fc.constant("a=1"),
      "CDN-Cache-Control": fc.constantFrom("max-age=7", "no-store"),
      Date: fc.constantFrom(date(0), date(-30)),
    },
    { requiredKeys: [] },
  ),
  asking: fc.record(
    { Authorization: fc.constant("x"), "Cache-Control": fc.constantFrom("no-store", "max-age=0") },
    { requiredKeys: [] },
  ),
});

/** Reasons for differences. The first one that holds for a case explains it. */
const REASONS: readonly (readonly [why: string, holds: (one: Case) => boolean])[] = [
  [
    "it does not read CDN-Cache-Control (RFC 9213)",
    ({ headers }) => "CDN-Cache-Control" in headers,
  ],
  [
    "it compares directive names case-sensitively (RFC 9111, 5.2)",
    ({ control }) => control.includes("MAX-AGE=50"),
  ],
  [
    "it reads 1.5 as 1 (RFC 9111, 1.2.2 allows digits only)",
    ({ control }) => control.includes("max-age=1.5"),
  ],
  [
    "it applies private with field names to the whole response (5.2.2.7)",
    ({ control }) => control.includes('private="x"'),
  ],
  [
    "it applies no-cache with field names to the whole response (5.2.2.4)",
    ({ control }) => control.includes('no-cache="x"'),
  ],
  [
    "it treats Pragma in a response as no-cache (5.4 defines it for requests)",
    ({ headers, control }) => "Pragma" in headers && control.length === 0,
  ],
  [
    "it treats proxy-revalidate as a lifetime of 0 (5.2.2.8 applies to stale responses)",
    ({ control }) => control.includes("proxy-revalidate"),
  ],
  [
    "it gives cookies a lifetime of 0 unless public or immutable; here explicit freshness is enough",
    ({ headers }) => "Set-Cookie" in headers,
  ],
  [
    "it ignores must-understand, or understands other statuses (5.2.2.3)",
    ({ control }) => control.includes("must-understand"),
  ],
  [
    "it reads dates with Date.parse, which accepts other formats too (RFC 9110, 5.6.7)",
    ({ headers }) => headers["Expires"]?.includes("2099") === true,
  ],
  [
    "it does not count the apparent age from Date (4.2.3)",
    ({ headers }) => headers["Date"] === date(-30),
  ],
];

function ours({ status, control, headers, asking }: Case): number {
  const fields = fieldsOf(control, headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  const head = { status, sent: readerOf(fields), fields, requestedAt: NOW, respondedAt: NOW };
  const request = readerOf(
    Object.entries(asking).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const decision = decideStorage(request, head, "x", LIMITS, RFC_SHARING);
  return decision.cacheability === "store" ? Math.max(0, decision.lifetimes.freshUntil - NOW) : 0;
}

function theirs({ status, control, headers, asking }: Case): number {
  const lower = (pairs: readonly (readonly [string, string])[]) =>
    Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const policy = new PolicyAt(
    { method: "GET", url: "/", headers: lower(Object.entries(asking)) },
    { status, headers: lower(fieldsOf(control, headers)) },
    { shared: true },
  );
  return policy.storable() ? Math.max(0, policy.timeToLive()) : 0;
}

function fieldsOf(control: readonly string[], headers: Case["headers"]): [string, string][] {
  const all = Object.entries({ Date: date(0), ...headers });
  return control.length === 0 ? all : [...all, ["Cache-Control", control.join(", ")]];
}

it("Strata stores a response for as long as the package http-cache-semantics does, or differs for a reason that the test lists", () => {
  const seen = new Set<string>();
  let differences = 0;
  fc.assert(
    fc.property(cases, (one) => {
      if (Math.abs(ours(one) - theirs(one)) < 1_000) return;
      differences++;
      const reason = REASONS.find(([, holds]) => holds(one));
      expect(
        reason?.[0],
        `ours ${ours(one)} ms, theirs ${theirs(one)} ms: ${JSON.stringify(one)}`,
      ).toBeDefined();
      seen.add(reason?.[0] ?? "");
    }),
    { numRuns: 20_000, seed: 9_111 },
  );
  expect(differences).toBeGreaterThan(100);
  expect(
    REASONS.map(([why]) => why).filter((why) => !seen.has(why)),
    "reasons that explain no difference",
  ).toEqual([]);
});

it("docs/http.md lists every reason for which Strata's storage decisions differ from those of the package http-cache-semantics", () => {
  const docs = readFileSync("docs/http.md", "utf8");
  expect(REASONS.map(([why]) => why).filter((why) => !docs.includes(why))).toEqual([]);
});
