// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { notReused, reused } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);
const HOUR = { "Cache-Control": "max-age=3600" };
const ask = (control: string) => ({ asking: {}, again: { "Cache-Control": control } });

export const REQUEST_DIRECTIVES = [
  rfc9111("5.2.1.4", "SHOULD", "ask the origin for a request with no-cache", (p) =>
    notReused(p, HOUR, ask("no-cache")),
  ),
  rfc9111("5.2.1.4", "MAY", "reuse after validation for a request with no-cache", async (p) => {
    p.answers({ headers: { ...HOUR, ETag: '"a"' } }, { status: 304, headers: { ETag: '"a"' } });
    await p.get();
    const answer = await p.get({ "Cache-Control": "no-cache" });
    expect([answer.status, answer.body, answer.cache]).toEqual([200, "1", "REVALIDATED"]);
    expect(p.seen[1]?.headers.get("If-None-Match")).toBe('"a"');
  }),
  rfc9111("5.4", "SHOULD", "treat Pragma: no-cache in a request as no-cache", (p) =>
    notReused(p, HOUR, { again: { Pragma: "no-cache" }, asking: {} }),
  ),
  rfc9111("5.4", "SHOULD", "ignore Pragma if there is Cache-Control", (p) =>
    reused(p, HOUR, { again: { Pragma: "no-cache", "Cache-Control": "foo" }, asking: {} }),
  ),
  rfc9111("5.4", "MUST", "ignore Pragma in a response", (p) =>
    reused(p, { ...HOUR, Pragma: "no-cache" }),
  ),
  rfc9111("5.2.1.1", "SHOULD", "revalidate a response older than the request's max-age", (p) =>
    notReused(p, HOUR, { ...ask("max-age=5"), after: 6 }),
  ),
  rfc9111("5.2.1.1", "MAY", "reuse a response younger than the request's max-age", (p) =>
    reused(p, HOUR, { ...ask("max-age=5"), after: 4 }),
  ),
  rfc9111("5.2.1.1", "SHOULD", "compare Age with the request's max-age", (p) =>
    notReused(p, { ...HOUR, Age: "10" }, ask("max-age=5")),
  ),
  rfc9111("5.2.1.3", "SHOULD", "revalidate a response that is fresh for less than min-fresh", (p) =>
    notReused(p, { "Cache-Control": "max-age=10" }, { ...ask("min-fresh=5"), after: 6 }),
  ),
  rfc9111("5.2.1.3", "MAY", "reuse a response that is fresh for longer than min-fresh", (p) =>
    reused(p, { "Cache-Control": "max-age=10" }, { ...ask("min-fresh=5"), after: 4 }),
  ),
  rfc9111("5.2.1.2", "MAY", "reuse a response that is stale by less than max-stale", (p) =>
    reused(p, { "Cache-Control": "max-age=10" }, { ...ask("max-stale=5"), after: 14 }),
  ),
  rfc9111("5.2.1.2", "SHOULD", "revalidate a response that is stale by more than max-stale", (p) =>
    notReused(p, { "Cache-Control": "max-age=10" }, { ...ask("max-stale=5"), after: 16 }),
  ),
  rfc9111(
    "5.2.1.2",
    "MAY",
    "reuse a response of any staleness for max-stale without a value",
    (p) => reused(p, { "Cache-Control": "max-age=10" }, { ...ask("max-stale"), after: 1_000 }),
  ),
  ...["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"].map((strict) =>
    rfc9111("4.2.4", "MUST NOT", `serve a response with ${strict} stale for max-stale`, (p) =>
      notReused(
        p,
        { "Cache-Control": `max-age=10, ${strict}` },
        { ...ask("max-stale"), after: 11 },
      ),
    ),
  ),
  rfc9111(
    "5.2.1.7",
    "SHOULD",
    "answer only-if-cached with 504 if no response is stored",
    async (p) => {
      p.answers({ headers: HOUR });
      expect((await p.get({ "Cache-Control": "only-if-cached" })).status).toBe(504);
      expect(p.seen.length).toBe(0);
    },
  ),
  rfc9111("5.2.1.7", "SHOULD", "answer only-if-cached from a stored response", (p) =>
    reused(p, HOUR, ask("only-if-cached")),
  ),
  rfc9111(
    "5.2.1.7",
    "SHOULD",
    "answer only-if-cached with 504 if the stored response is stale",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10" } });
      await p.get();
      p.advance(11);
      expect((await p.get({ "Cache-Control": "only-if-cached" })).status).toBe(504);
      expect(p.seen.length).toBe(1);
    },
  ),
  rfc9111("5.2.1.5", "MAY", "answer a request with no-store from a stored response", (p) =>
    reused(p, HOUR, ask("no-store")),
  ),
  rfc9111("5.2.3", "MUST", "ignore directives it does not know", (p) =>
    reused(p, HOUR, ask("foo, bar=1")),
  ),
  rfc9111(
    "5.2.1",
    "MAY",
    "be configured to ignore request directives",
    async (p) => {
      await reused(p, HOUR, ask("no-cache, max-age=0"));
    },
    { requestDirectives: false },
  ),
];
