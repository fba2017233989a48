// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import type { Proxy } from "./proxy.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9110 = requirementsOf(9110);
const rfc9111 = requirementsOf(9111);
const WHOLE = "0123456789";
const FRESH = { "Cache-Control": "max-age=3600", ETag: '"a"' };

async function stored(p: Proxy, headers: object = FRESH): Promise<void> {
  p.answers({ headers: { ...headers }, body: WHOLE });
  await p.get();
}

const part = (first: number, last: number, headers: object = FRESH) => ({
  status: 206,
  headers: { ...headers, "Content-Range": `bytes ${first}-${last}/10` },
  body: WHOLE.slice(first, last + 1),
});

export const RANGE = [
  ...(
    [
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=-2", "89", "bytes 8-9/10"],
      ["bytes=-20", WHOLE, "bytes 0-9/10"],
      ["bytes=5-100", "56789", "bytes 5-9/10"],
      ["Bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=8-99999999999999999999", "89", "bytes 8-9/10"],
      ["bytes=-99999999999999999999", WHOLE, "bytes 0-9/10"],
    ] as const
  ).map(([range, body, contentRange]) =>
    rfc9110("14.2", "MAY", `answer ${range} from a stored 200`, async (p) => {
      await stored(p);
      const answer = await p.get({ Range: range });
      expect([
        answer.status,
        answer.body,
        answer.headers.get("Content-Range"),
        answer.headers.get("Content-Length"),
      ]).toEqual([206, body, contentRange, null]);
      expect(p.seen.length).toBe(1);
    }),
  ),
  ...["bytes=10-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"].map((range) =>
    rfc9110("15.5.17", "SHOULD", `answer ${range} with 416 from a stored 200`, async (p) => {
      await stored(p);
      const answer = await p.get({ Range: range });
      expect([answer.status, answer.headers.get("Content-Range")]).toEqual([416, "bytes */10"]);
    }),
  ),
  ...[
    "bytes=4-2",
    "bytes=a-b",
    "lines=0-1",
    "bytes=",
    "bytes=-",
    "bytes 0-1",
    "bytes=0-0, 9-2",
    `bytes=${Array.from({ length: 17 }, (_, at) => `${at}-${at}`).join()}`,
  ].map((range) =>
    rfc9110("14.2", "MAY", `answer ${range} with the whole representation`, async (p) => {
      await stored(p);
      const answer = await p.get({ Range: range });
      expect([answer.status, answer.body]).toEqual([200, WHOLE]);
    }),
  ),
  rfc9110(
    "13.1.5",
    "MUST",
    "answer a range if If-Range is the stored strong entity tag",
    async (p) => {
      await stored(p);
      expect((await p.get({ Range: "bytes=0-1", "If-Range": '"a"' })).status).toBe(206);
      expect((await p.get({ Range: "bytes=0-1", "If-Range": '"b"' })).status).toBe(200);
      expect((await p.get({ Range: "bytes=0-1", "If-Range": 'W/"a"' })).status).toBe(200);
    },
  ),
  rfc9110("13.1.5", "MUST", "answer a range if If-Range is exactly Last-Modified", async (p) => {
    const modified = p.date(-100);
    await stored(p, { ...FRESH, "Last-Modified": modified });
    expect((await p.get({ Range: "bytes=0-1", "If-Range": modified })).status).toBe(206);
    expect((await p.get({ Range: "bytes=0-1", "If-Range": p.date(-50) })).status).toBe(200);
  }),
  rfc9111("3", "MUST NOT", "give a 416 the lifetime of the stored response", async (p) => {
    await stored(p, { ...FRESH, Expires: p.date(9), "Content-Type": "text/x", "X-Other": "1" });
    const { status, headers } = await p.get({ Range: "bytes=10-" });
    expect([status, headers.get("X-Other")]).toEqual([416, "1"]);
    for (const name of ["Cache-Control", "Expires", "ETag", "Age", "Content-Type"])
      expect(headers.get(name), name).toBeNull();
  }),
  rfc9110("14.2", "MUST NOT", "send Content-Digest of the whole content with a part", async (p) => {
    const digests = { "Content-Digest": "sha-256=:AA==:", "Repr-Digest": "sha-256=:AA==:" };
    await stored(p, { ...FRESH, ...digests });
    const { headers } = await p.get({ Range: "bytes=0-1" });
    expect([headers.get("Content-Digest"), headers.get("Repr-Digest")]).toEqual([
      null,
      digests["Repr-Digest"],
    ]);
    expect((await p.get()).headers.get("Content-Digest")).toBe(digests["Content-Digest"]);
  }),
  rfc9110("14.2", "MUST", "ignore Range for HEAD", async (p) => {
    await stored(p);
    expect((await p.send({ method: "HEAD", headers: { Range: "bytes=0-1" } })).status).toBe(200);
  }),
  rfc9110("13.2.2", "MUST", "evaluate If-None-Match before Range", async (p) => {
    await stored(p);
    expect((await p.get({ Range: "bytes=0-1", "If-None-Match": '"a"' })).status).toBe(304);
  }),
  rfc9111("3.3", "MUST NOT", "answer a GET without Range from a stored part", async (p) => {
    p.answers(part(2, 4), { headers: FRESH, body: WHOLE });
    await p.get({ Range: "bytes=2-4" });
    const answer = await p.get();
    expect([answer.status, answer.body]).toEqual([200, WHOLE]);
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("3.3", "MAY", "answer a range from a stored part", async (p) => {
    p.answers(part(2, 6));
    await p.get({ Range: "bytes=2-6" });
    const same = await p.get({ Range: "bytes=2-6" });
    const inside = await p.get({ Range: "bytes=3-4" });
    expect([same.body, inside.body, inside.headers.get("Content-Range")]).toEqual([
      "23456",
      "34",
      "bytes 3-4/10",
    ]);
    expect(p.seen.length).toBe(1);
  }),
  rfc9111("4.3.2", "SHOULD", "evaluate a condition on a stored part", async (p) => {
    p.answers(part(2, 6));
    await p.get({ Range: "bytes=2-6" });
    const same = await p.get({ Range: "bytes=3-4", "If-None-Match": '"a"' });
    const other = await p.get({ Range: "bytes=3-4", "If-None-Match": '"b"' });
    expect([same.status, other.status, other.body, p.seen.length]).toEqual([304, 206, "34", 1]);
  }),
  rfc9111("4.3.1", "MAY", "revalidate a stored part with the requested range", async (p) => {
    const stale = { "Cache-Control": "max-age=10", ETag: '"a"' };
    p.answers(part(0, 4, stale), { status: 304, headers: FRESH });
    await p.get({ Range: "bytes=0-4" });
    p.advance(11);
    const answer = await p.get({ Range: "bytes=1-2" });
    expect([answer.status, answer.body, answer.headers.get("Content-Range")]).toEqual([
      206,
      "12",
      "bytes 1-2/10",
    ]);
    const asked = p.seen[1]?.headers;
    expect([asked?.get("If-None-Match"), asked?.get("Range")]).toEqual(['"a"', "bytes=1-2"]);
    expect((await p.get({ Range: "bytes=0-0" })).cache).toBe("HIT");
  }),
  rfc9111("4.3.3", "MUST", "replace the stored part by a new part", async (p) => {
    const stale = { "Cache-Control": "max-age=10", ETag: '"a"' };
    p.answers(part(0, 4, stale), part(0, 4, { ...FRESH, ETag: '"b"' }));
    await p.get({ Range: "bytes=0-4" });
    p.advance(11);
    for (let times = 0; times < 2; times++)
      expect((await p.get({ Range: "bytes=0-4" })).headers.get("ETag")).toBe('"b"');
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("3.3", "MAY", "answer a suffix range from a stored part", async (p) => {
    p.answers(part(5, 9));
    await p.get({ Range: "bytes=5-" });
    const answer = await p.get({ Range: "bytes=-2" });
    expect([answer.body, p.seen.length]).toEqual(["89", 1]);
  }),
  rfc9111("3.3", "MUST NOT", "answer a range from a stored part that lacks it", async (p) => {
    p.answers(part(2, 4), part(3, 6));
    await p.get({ Range: "bytes=2-4" });
    expect((await p.get({ Range: "bytes=3-6" })).body).toBe("3456");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("3.4", "MAY", "combine parts with the same strong entity tag", async (p) => {
    p.answers(part(0, 4), part(5, 9));
    await p.get({ Range: "bytes=0-4" });
    await p.get({ Range: "bytes=5-9" });
    const whole = await p.get();
    expect([whole.status, whole.body, p.seen.length]).toEqual([200, WHOLE, 2]);
    expect(whole.headers.get("Content-Range")).toBeNull();
  }),
  rfc9111("3.4", "MUST NOT", "combine parts by a value that is no entity tag", async (p) => {
    const odd = { ...FRESH, ETag: 'w/"a"' };
    p.answers(part(0, 4, odd), part(5, 9, odd), { headers: FRESH, body: WHOLE });
    await p.get({ Range: "bytes=0-4" });
    await p.get({ Range: "bytes=5-9" });
    expect((await p.get()).body).toBe(WHOLE);
    expect([p.seen.length, p.seen[2]?.headers.get("If-Range")]).toEqual([3, null]);
  }),
  ...[{ ETag: '"b"' }, { ETag: 'W/"a"' }].map((other) =>
    rfc9111("3.4", "MUST NOT", `combine a stored part with a part of ${other.ETag}`, async (p) => {
      p.answers(part(0, 4), part(5, 9, { ...FRESH, ...other }), { headers: FRESH, body: WHOLE });
      await p.get({ Range: "bytes=0-4" });
      await p.get({ Range: "bytes=5-9" });
      await p.get();
      expect(p.seen.length).toBe(3);
    }),
  ),
  rfc9111("3.3", "MAY", "complete a stored first part", async (p) => {
    p.answers(part(0, 4), part(5, 9));
    await p.get({ Range: "bytes=0-4" });
    const whole = await p.get();
    expect([p.seen[1]?.headers.get("Range"), p.seen[1]?.headers.get("If-Range")]).toEqual([
      "bytes=5-",
      '"a"',
    ]);
    expect([whole.status, whole.body]).toEqual([200, WHOLE]);
    expect((await p.get({ Range: "bytes=3-6" })).body).toBe("3456");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("3.4", "MUST", "keep the fields that only the older part has", async (p) => {
    p.answers(part(0, 4, { ...FRESH, "Content-Language": "de", "X-A": "1" }), {
      ...part(5, 9, { ...FRESH, "X-A": "2" }),
    });
    await p.get({ Range: "bytes=0-4" });
    const { headers, body } = await p.get();
    expect([body, headers.get("Content-Language"), headers.get("X-A")]).toEqual([WHOLE, "de", "2"]);
  }),
  ...[
    part(5, 9, { ETag: '"a"', "Cache-Control": "no-store" }),
    { ...part(5, 9), body: "567" },
    { ...part(5, 9), headers: { ...FRESH, "Content-Range": "bytes 5-9/*" } },
  ].map((end) =>
    rfc9111(
      "3.3",
      "MUST NOT",
      `answer a GET with only the missing rest: ${JSON.stringify(end)}`,
      async (p) => {
        p.answers(part(0, 4), end, { headers: FRESH, body: WHOLE });
        await p.get({ Range: "bytes=0-4" });
        const answer = await p.get();
        expect([answer.status, answer.body, p.seen[2]?.headers.get("Range")]).toEqual([
          200,
          WHOLE,
          null,
        ]);
      },
    ),
  ),
  rfc9111(
    "3.4",
    "MUST",
    "use the whole new representation if the stored part is outdated",
    async (p) => {
      p.answers(part(0, 4), { headers: { ...FRESH, ETag: '"b"' }, body: "changed" });
      await p.get({ Range: "bytes=0-4" });
      expect((await p.get()).body).toBe("changed");
    },
  ),
  rfc9111("3.3", "MUST NOT", "replace a stored whole response by a part", async (p) => {
    await stored(p);
    p.answers(part(0, 1));
    await p.get({ Range: "bytes=0-1" });
    expect((await p.get()).body).toBe(WHOLE);
    expect(p.seen.length).toBe(1);
  }),
  rfc9111("3.3", "MUST NOT", "store a 206 without a valid Content-Range", async (p) => {
    p.answers({
      status: 206,
      headers: { ...FRESH, "Content-Range": "bytes 0-4/*" },
      body: "01234",
    });
    await p.get({ Range: "bytes=0-4" });
    await p.get({ Range: "bytes=0-4" });
    expect(p.seen.length).toBe(2);
  }),
];
