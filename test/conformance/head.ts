// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { requirementsOf } from "./requirement.ts";

const rfc9111 = requirementsOf(9111);
const FRESH = { "Cache-Control": "max-age=3600" };
const TAG = { ETag: '"a"' };

export const HEAD = [
  rfc9111(
    "4.3.5",
    "SHOULD",
    "update the stored response by a HEAD that describes it",
    async (p) => {
      p.answers(
        { headers: { "Cache-Control": "max-age=10", ...TAG } },
        { headers: { "Cache-Control": "max-age=50", ...TAG, "X-New": "1" } },
      );
      await p.get();
      p.advance(11);
      await p.send({ method: "HEAD" });
      p.advance(11);
      const answer = await p.get();
      expect([answer.body, answer.headers.get("X-New")]).toEqual(["1", "1"]);
      expect(p.seen.map(({ method }) => method)).toEqual(["GET", "HEAD"]);
    },
  ),
  ...[
    { ETag: '"b"' },
    { "Content-Length": "999" },
    { "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT" },
  ].map((other) =>
    rfc9111(
      "4.3.5",
      "SHOULD",
      `treat the stored response as stale if a HEAD has another ${Object.keys(other).join("")}`,
      async (p) => {
        p.answers({ headers: { ...FRESH, ...TAG } }, { headers: { ...FRESH, ...TAG, ...other } });
        await p.get();
        await p.send({ method: "HEAD", headers: { "Cache-Control": "no-cache" } });
        await p.get();
        expect(p.seen.length).toBe(3);
      },
    ),
  ),
  rfc9111("4.3.5", "MAY", "answer HEAD from the stored response to a GET", async (p) => {
    p.answers({ headers: { ...FRESH, ...TAG }, body: "hello" });
    await p.get();
    const head = await p.send({ method: "HEAD" });
    expect([
      head.status,
      head.body,
      head.headers.get("ETag"),
      head.headers.get("Content-Length"),
    ]).toEqual([200, "", '"a"', "5"]);
    expect(p.seen.length).toBe(1);
  }),
  rfc9111("4", "MUST NOT", "answer GET from the response to a HEAD", async (p) => {
    p.answers({ headers: { ...FRESH, ...TAG } });
    await p.send({ method: "HEAD" });
    expect((await p.get()).body).toBe("2");
  }),
];
