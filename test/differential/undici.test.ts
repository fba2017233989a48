/** Compares reuse decisions with undici's cache: whether the response to a first request answers a second one. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { RFC_SHARING } from "../../src/http/cache/sharing-rules.ts";
import { decideStorage } from "../../src/http/cache/storage-decision.ts";
import { readerOf } from "../../src/http/rfc/fields.ts";
import { forbidsStale } from "../../src/http/rfc/lifetimes.ts";
import { requestControlOf } from "../../src/http/rfc/request-control.ts";
import { freshnessForRequest } from "../../src/http/rfc/reuse.ts";
import { matches, selectingNames, selectorsOf } from "../../src/http/rfc/vary.ts";
import { undiciReuses, type Exchange } from "./undici-cache.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const LIMITS = { disconnectedMs: 3_600_000, validateMs: 86_400_000, maxMs: 604_800_000 };
const date = (seconds: number): string => new Date(NOW + seconds * 1_000).toUTCString();

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterAll(() => {
  vi.useRealTimers();
});

interface Case extends Omit<Exchange, "afterMs"> {
  readonly control: readonly string[];
  readonly after: number;
}

const lifetimes = ["max-age=60", "MAX-AGE=50", "max-age=1.5", 's-maxage="30"', "s-maxage=90"];
const others = [
  "public",
  "private",
  'private="x"',
  "no-store",
  "no-cache",
  'no-cache="x"',
  "must-revalidate",
  "proxy-revalidate",
  "stale-while-revalidate=20",
  "immutable",
  "must-understand",
];
const directives = fc
  .tuple(fc.subarray(lifetimes, { maxLength: 2 }), fc.subarray(others, { maxLength: 2 }))
  .map((parts) => parts.flat());

/** At most two of the fields. With all of them no response would ever be reused. */
function fewOf(
  fields: Readonly<Record<string, fc.Arbitrary<string>>>,
): fc.Arbitrary<Record<string, string>> {
  return fc
    .tuple(fc.subarray(Object.keys(fields), { maxLength: 2 }), fc.record(fields))
    .map(([names, values]) => Object.fromEntries(names.map((name) => [name, values[name] ?? ""])));
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    status: fc.constantFrom(200, 203, 204, 206, 301, 302, 307, 404, 410, 501, 500, 503, 599),
    control: directives,
    headers: fewOf({
      Expires: fc.constantFrom(date(100), "0", "Thu, 01 Jan 2099", date(-10)),
      "Last-Modified": fc.constantFrom(date(-1_000), date(-100_000)),
      Age: fc.constantFrom("10", "100", "x"),
      Vary: fc.constantFrom("*", "Foo", "Foo, *"),
      "Set-Cookie": fc.constant("a=1"),
      "CDN-Cache-Control": fc.constantFrom("max-age=7", "no-store"),
      Date: fc.constantFrom(date(0), date(-30)),
    }),
    asking: fewOf({
      Authorization: fc.constant("x"),
      Foo: fc.constantFrom("1", "2"),
      "Cache-Control": fc.constantFrom("no-store", "max-age=0"),
    }),
    again: fewOf({
      Foo: fc.constantFrom("1", "2"),
      "If-None-Match": fc.constant('"other"'),
      Pragma: fc.constant("no-cache"),
      "Cache-Control": fc.constantFrom(
        "no-cache",
        "no-store",
        "max-age=0",
        "max-age=40",
        "min-fresh=20",
        "max-stale",
        "max-stale=30",
      ),
    }),
    // No instant is exactly the end of a lifetime, where the two caches round differently.
    after: fc.constantFrom(0.4, 12.4, 45.4, 65.4, 95.4, 300.4),
  })
  .map((one) => ({
    ...one,
    headers: {
      Date: date(0),
      ...one.headers,
      ...(one.control.length > 0 && { "Cache-Control": one.control.join(", ") }),
    },
  }));

function ours({ status, headers, asking, again, after }: Case): boolean {
  const fields = lowerCase(headers);
  const head = { status, sent: readerOf(fields), fields, requestedAt: NOW, respondedAt: NOW };
  const first = readerOf(lowerCase(asking));
  const second = readerOf(lowerCase(again));
  const { cacheability, lifetimes, meta, control } = decideStorage(
    first,
    head,
    "x",
    LIMITS,
    RFC_SHARING,
  );
  const selectors = selectorsOf(selectingNames(head.sent.get("Vary")), first);
  if (cacheability !== "store" || !matches(selectors, second)) return false;
  const freshness = freshnessForRequest(
    { ...lifetimes, ...meta },
    requestControlOf(second),
    NOW + after * 1_000,
    () => forbidsStale(control),
  );
  return freshness === "fresh" || freshness === "revalidate";
}

function lowerCase(fields: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]);
}

interface Reason {
  /** The text in docs/http.md. */
  readonly why: string;
  /** Which of the two reuses the response; undefined for either. */
  readonly reuses?: "ours" | "theirs";
  readonly holds: (one: Case) => boolean;
}

const has = (one: Case, directive: string): boolean => one.control.includes(directive);

/** Whether the lifetime is invalid or already over. */
const isStaleOnArrival = (one: Case): boolean =>
  has(one, "max-age=1.5") ||
  ["0", "Thu, 01 Jan 2099", date(-10)].includes(one.headers["Expires"] ?? "");

/** Reasons for differences. The first one that holds for a case explains it. */
const REASONS: readonly Reason[] = [
  {
    why: "it does not read CDN-Cache-Control (RFC 9213)",
    holds: ({ headers }) => "CDN-Cache-Control" in headers,
  },
  {
    why: "it stores no partial responses (RFC 9111, 3.3)",
    reuses: "ours",
    holds: ({ status }) => status === 206,
  },
  {
    why: "it stores no response with Set-Cookie; here explicit freshness is enough (7.3)",
    reuses: "ours",
    holds: ({ headers }) => "Set-Cookie" in headers,
  },
  {
    why: "it treats an invalid Age as a great age (5.1: a cache ignores it)",
    reuses: "ours",
    holds: ({ headers }) => headers["Age"] === "x",
  },
  {
    why: "it forwards every conditional request (4.3.2: a cache can answer it)",
    reuses: "ours",
    holds: ({ again }) => "If-None-Match" in again,
  },
  {
    why: "it answers no request with no-store (5.2.1.5 forbids only storing the response)",
    reuses: "ours",
    holds: ({ again }) => again["Cache-Control"] === "no-store",
  },
  {
    why: "it ignores max-stale without a value (5.2.1.2: any staleness is accepted)",
    reuses: "ours",
    holds: ({ again }) => again["Cache-Control"] === "max-stale",
  },
  {
    why: "it ignores must-understand (5.2.2.3)",
    holds: (one) => has(one, "must-understand"),
  },
  {
    why: "it derives a lifetime from immutable (RFC 8246, 2 gives it none)",
    reuses: "theirs",
    holds: (one) => has(one, "immutable"),
  },
  {
    why: "it stores no response that is stale on arrival (4.2.4: stale-while-revalidate and max-stale allow serving it)",
    reuses: "ours",
    holds: (one) =>
      isStaleOnArrival(one) &&
      (has(one, "stale-while-revalidate=20") || one.again["Cache-Control"] === "max-stale=30"),
  },
  {
    why: "it lets stale-while-revalidate override min-fresh (5.2.1.3)",
    reuses: "theirs",
    holds: (one) =>
      has(one, "stale-while-revalidate=20") && one.again["Cache-Control"] === "min-fresh=20",
  },
];

it(
  "Strata reuses the same stored responses as undici's cache interceptor, or differs for a reason that the test lists",
  { timeout: 120_000 },
  async () => {
    const seen = new Set<string>();
    let differences = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const mine = ours(one);
        const theirs = await undiciReuses({ ...one, afterMs: one.after * 1_000 }, NOW);
        if (mine === theirs) return;
        differences++;
        const side = mine ? "ours" : "theirs";
        const reason = REASONS.find(
          ({ reuses, holds }) => (reuses === undefined || reuses === side) && holds(one),
        );
        expect(reason?.why, `only ${side} reuses: ${JSON.stringify(one)}`).toBeDefined();
        seen.add(reason?.why ?? "");
      }),
      { numRuns: 40_000, seed: 9_111 },
    );
    expect(differences).toBeGreaterThan(100);
    expect(
      REASONS.map(({ why }) => why).filter((why) => !seen.has(why)),
      "reasons that explain no difference",
    ).toEqual([]);
  },
);

it("docs/http.md lists every reason for which Strata's reuse decisions differ from those of undici's cache interceptor", () => {
  const docs = readFileSync("docs/http.md", "utf8");
  expect(REASONS.map(({ why }) => why).filter((why) => !docs.includes(why))).toEqual([]);
});
