// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { textsOf } from "../support/byteranges.ts";
import type { Answer, Proxy } from "./proxy.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9110 = requirementsOf(9110);
const rfc9111 = requirementsOf(9111);
const WHOLE = "0123456789";
const FRESH = { "Cache-Control": "max-age=3600", ETag: '"a"' };

async function stored(p: Proxy, headers: object = FRESH): Promise<void> {
  p.answers({ headers: { "Content-Type": "text/x", ...headers }, body: WHOLE });
  await p.get();
}

/** `first-last/total bytes` of each part of a 206 that has several. */
function partsOf({ status, headers, body }: Answer): string[] {
  expect([status, headers.get("Content-Range")]).toEqual([206, null]);
  return textsOf(headers.get("Content-Type"), body);
}

const part = (first: number, last: number) => ({
  status: 206,
  headers: { ...FRESH, "Content-Range": `bytes ${first}-${last}/10` },
  body: WHOLE.slice(first, last + 1),
});

export const MULTIPLE_RANGES = [
  ...(
    [
      ["bytes=0-1, 3-4", ["0-1/10 01", "3-4/10 34"]],
      ["bytes=-2,0-1", ["8-9/10 89", "0-1/10 01"]],
      ["bytes=0-0,100-,9-", ["0-0/10 0", "9-9/10 9"]],
      ["bytes=7-8,0-1,8-9,1-2", ["7-9/10 789", "0-2/10 012"]],
      ["bytes=6-7,0-1,2-3", ["6-7/10 67", "0-3/10 0123"]],
    ] as const
  ).map(([range, parts]) =>
    rfc9110("15.3.7.2", "MAY", `answer ${range} in parts: ${parts.join(", ")}`, async (p) => {
      await stored(p);
      expect(partsOf(await p.get({ Range: range }))).toEqual(parts);
      expect(p.seen.length).toBe(1);
    }),
  ),
  ...(
    [
      ["bytes=1-2,3-4", "bytes 1-4/10"],
      ["bytes=2-5,3-4", "bytes 2-5/10"],
      ["bytes=1-4,100-", "bytes 1-4/10"],
      ["bytes=5-9,0-4", "bytes 0-9/10"],
    ] as const
  ).map(([range, contentRange]) =>
    rfc9110("15.3.7.2", "MAY", `answer ${range} with one part as a plain 206`, async (p) => {
      await stored(p);
      const { status, headers } = await p.get({ Range: range });
      expect([status, headers.get("Content-Range"), headers.get("Content-Type")]).toEqual([
        206,
        contentRange,
        "text/x",
      ]);
    }),
  ),
  rfc9110("15.3.7.2", "SHOULD", "send Content-Type in each of several parts", async (p) => {
    await stored(p);
    const { body } = await p.get({ Range: "bytes=0-1,3-4" });
    expect(body.match(/\r\nContent-Type: text\/x\r\n/g)?.length).toBe(2);
  }),
  rfc9110("15.3.7", "MUST", "send the fields of the 200 with several parts", async (p) => {
    await stored(p, { ...FRESH, Vary: "Foo", Expires: p.date(9), "Content-Language": "de" });
    const { headers } = await p.get({ Range: "bytes=0-1,3-4" });
    for (const name of ["Date", "Cache-Control", "ETag", "Expires", "Vary", "Content-Language"])
      expect(headers.get(name), name).not.toBeNull();
  }),
  rfc9110(
    "14.2",
    "MAY",
    "answer 16 ranges, and 17 ranges with the whole representation",
    async (p) => {
      await stored(p);
      const ranges = Array.from({ length: 17 }, (_, at) => `${(at % 5) * 2}-${(at % 5) * 2}`);
      expect(partsOf(await p.get({ Range: `bytes=${ranges.slice(1).join()}` })).length).toBe(5);
      const whole = await p.get({ Range: `bytes=${ranges.join()}` });
      expect([whole.status, whole.body]).toEqual([200, WHOLE]);
    },
  ),
  rfc9110("15.5.17", "SHOULD", "answer 416 if none of several ranges is satisfiable", async (p) => {
    await stored(p);
    const { status, headers } = await p.get({ Range: "bytes=10-11,20-,-0" });
    expect([status, headers.get("Content-Range")]).toEqual([416, "bytes */10"]);
  }),
  rfc9110("13.1.5", "MUST", "answer several ranges only if If-Range matches", async (p) => {
    await stored(p);
    const several = { Range: "bytes=0-1,3-4" };
    expect((await p.get({ ...several, "If-Range": '"a"' })).status).toBe(206);
    expect((await p.get({ ...several, "If-Range": '"b"' })).status).toBe(200);
  }),
  rfc9110("14.2", "MUST", "ignore several ranges for HEAD", async (p) => {
    await stored(p);
    const answer = await p.send({ method: "HEAD", headers: { Range: "bytes=0-1,3-4" } });
    expect([answer.status, answer.headers.get("Content-Length")]).toEqual([200, "10"]);
  }),
  rfc9111(
    "3.3",
    "MAY",
    "answer several ranges from a stored part that contains them",
    async (p) => {
      p.answers(part(2, 8), part(0, 1));
      await p.get({ Range: "bytes=2-8" });
      expect(partsOf(await p.get({ Range: "bytes=7-8,2-3" }))).toEqual(["7-8/10 78", "2-3/10 23"]);
      expect(p.seen.length).toBe(1);
    },
  ),
  rfc9111(
    "3.3",
    "MUST NOT",
    "answer several ranges from a stored part that lacks one",
    async (p) => {
      p.answers(part(2, 8), { headers: FRESH, body: WHOLE });
      await p.get({ Range: "bytes=2-8" });
      await p.get({ Range: "bytes=2-3,9-9" });
      expect(p.seen.length).toBe(2);
      expect(p.seen[1]?.headers.get("Range")).toBe("bytes=2-3,9-9");
    },
  ),
  rfc9111("3.3", "MUST NOT", "store the origin's multipart/byteranges", async (p) => {
    const several = {
      status: 206,
      headers: { ...FRESH, "Content-Type": "multipart/byteranges; boundary=x" },
      body: "--x\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n--x--\r\n",
    };
    p.answers(several, { headers: FRESH, body: WHOLE });
    const answer = await p.get({ Range: "bytes=0-0,5-5" });
    expect([answer.status, answer.body]).toEqual([206, several.body]);
    expect((await p.get()).body).toBe(WHOLE);
  }),
];
