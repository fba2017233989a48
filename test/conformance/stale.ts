// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { revalidated } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc5861 = requirementsOf(5861);
const rfc9111 = requirementsOf(9111);
const rfc8246 = requirementsOf(8246);

export const STALE = [
  rfc5861(
    "3",
    "MAY",
    "serve stale during revalidation, and the new response afterwards",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10, stale-while-revalidate=10" } });
      await p.get();
      p.advance(11);
      const stale = await p.get();
      expect([stale.body, stale.cache]).toEqual(["1", "STALE"]);
      expect(p.seen.length).toBe(2);
      expect((await p.get()).body).toBe("2");
    },
  ),
  rfc5861(
    "3",
    "SHOULD",
    "refresh without the condition of the client that got the stale response",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10, stale-while-revalidate=10" } });
      await p.get();
      p.advance(11);
      await p.get({ "If-None-Match": '"a"', Range: "bytes=0-0" });
      const asked = p.seen[1]?.headers;
      expect([asked?.get("If-None-Match"), asked?.get("Range")]).toEqual([null, null]);
    },
  ),
  rfc5861("3", "SHOULD NOT", "count staleness from Date if Expires is before Date", async (p) => {
    const headers = { Expires: p.date(-5), "Cache-Control": "stale-while-revalidate=10" };
    p.answers({ headers });
    await p.get();
    p.advance(4);
    expect((await p.get()).cache).toBe("STALE");
    p.advance(6);
    expect((await p.get()).cache).not.toBe("STALE");
  }),
  rfc5861(
    "3",
    "SHOULD NOT",
    "serve stale one millisecond after the stale-while-revalidate window",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10, stale-while-revalidate=10" } });
      await p.get();
      p.advance(20);
      expect((await p.get()).body).toBe("2");
    },
  ),
  ...["must-revalidate", "proxy-revalidate", "s-maxage=10"].map((strict) =>
    rfc9111(
      "4.2.4",
      "MUST NOT",
      `serve a response with ${strict} stale during revalidation`,
      async (p) => {
        const control = `max-age=10, stale-while-revalidate=10, ${strict}`;
        const answer = await revalidated(p, { "Cache-Control": control }, {});
        expect(answer.body).toBe("2");
      },
    ),
  ),
  ...[500, 502, 503, 504].map((status) =>
    rfc5861("4", "MAY", `serve stale instead of a ${status} with stale-if-error`, async (p) => {
      const answer = await revalidated(
        p,
        { "Cache-Control": "max-age=10, stale-if-error=10" },
        { status },
      );
      expect([answer.status, answer.body, answer.cache]).toEqual([200, "1", "STALE"]);
      expect(Number(answer.headers.get("Age"))).toBeGreaterThan(10);
    }),
  ),
  ...[404, 501, 599].map((status) =>
    rfc5861(
      "4",
      "MUST NOT",
      `serve stale instead of a ${status} with stale-if-error`,
      async (p) => {
        const answer = await revalidated(
          p,
          { "Cache-Control": "max-age=10, stale-if-error=10" },
          { status },
        );
        expect(answer.status).toBe(status);
      },
    ),
  ),
  rfc5861(
    "4",
    "MUST NOT",
    "serve stale instead of an error after the stale-if-error window",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10, stale-if-error=10" } }, { status: 503 });
      await p.get();
      p.advance(21);
      expect((await p.get()).status).toBe(503);
    },
  ),
  rfc5861(
    "4",
    "MAY",
    "serve stale instead of an error if the request has stale-if-error",
    async (p) => {
      const answer = await revalidated(
        p,
        {},
        { status: 503 },
        { "Cache-Control": "stale-if-error=100" },
      );
      expect([answer.status, answer.body]).toEqual([200, "1"]);
    },
  ),
  rfc5861("4", "MUST NOT", "serve stale instead of an error without stale-if-error", async (p) => {
    expect((await revalidated(p, {}, { status: 503 })).status).toBe(503);
  }),
  rfc9111("4.2.4", "MAY", "serve stale if the origin cannot be reached", async (p) => {
    const answer = await revalidated(p, {}, { fails: true });
    expect([answer.status, answer.body, answer.cache]).toEqual([200, "1", "STALE"]);
  }),
  ...["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache", "stale-if-error=0"].map(
    (strict) =>
      rfc9111(
        "4.2.4",
        "MUST NOT",
        `serve a response with ${strict} stale if the origin cannot be reached`,
        async (p) => {
          const answer = await revalidated(
            p,
            { "Cache-Control": `max-age=10, ${strict}` },
            { fails: true },
          );
          expect(answer.status).toBe(502);
        },
      ),
  ),
  rfc9111(
    "4.2.4",
    "MUST NOT",
    "serve stale longer than 1 h if the origin cannot be reached",
    async (p) => {
      p.answers({ headers: { "Cache-Control": "max-age=10", ETag: '"a"' } }, { fails: true });
      await p.get();
      p.advance(3_700);
      expect((await p.get()).status).toBe(502);
    },
  ),
  rfc9111("4.2.4", "SHOULD", "ask the origin again after it has served stale", async (p) => {
    await revalidated(p, {}, { fails: true });
    p.advance(1);
    p.answers({ headers: { "Cache-Control": "max-age=10" }, body: "back" });
    expect((await p.get()).body).toBe("back");
  }),
  rfc9111(
    "5.2.2.2",
    "MUST",
    "answer 5xx if a response with must-revalidate cannot be revalidated",
    async (p) => {
      const answer = await revalidated(
        p,
        { "Cache-Control": "max-age=10, must-revalidate" },
        { fails: true },
      );
      expect(answer.status).toBeGreaterThanOrEqual(500);
    },
  ),
  rfc8246("2", "SHOULD", "reuse an immutable response only while it is fresh", async (p) => {
    p.answers({ headers: { "Cache-Control": "max-age=10, immutable" } });
    await p.get();
    p.advance(9);
    expect((await p.get()).cache).toBe("HIT");
    p.advance(2);
    expect((await p.get()).body).toBe("2");
  }),
];
