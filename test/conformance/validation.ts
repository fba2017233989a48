// oxlint-disable vitest/no-standalone-expect -- requirements.test.ts runs these checks inside its tests
import { expect } from "vitest";
import { revalidated } from "./expectations.ts";
import { requirementsOf } from "./requirement.ts";

const rfc9110 = requirementsOf(9110);
const rfc9111 = requirementsOf(9111);
const FRESH = { "Cache-Control": "max-age=3600" };
const TAG = { ETag: '"a"' };

const listed = (headers: object): string => {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return fields.length === 0 ? "no such field" : fields.join(", ");
};

/** Checks one field of the response after the origin has revalidated a stored response with a 304. */
const update = (stored: object, newer: object, name: string, expected: string | null) =>
  rfc9111(
    "3.2",
    "MUST",
    `have ${name}: ${expected ?? "none"} after a 304 with ${listed(newer)}`,
    async (p) => {
      const answer = await revalidated(
        p,
        { ...TAG, ...stored },
        { status: 304, headers: { ...TAG, ...newer } },
      );
      expect([answer.status, answer.body]).toEqual([200, "1"]);
      expect(answer.headers.get(name)).toBe(expected);
      const hit = await p.get();
      if (name !== "Age") expect(hit.headers.get(name)).toBe(expected);
    },
  );

export const VALIDATION = [
  rfc9111("4.3.1", "MUST", "send the stored entity tag unchanged", async (p) => {
    for (const etag of ['"a b"', 'W/"x"', '""', '"ä"'.replace("ä", "\u00e4")].slice(0, 3)) {
      p.answers({ headers: { "Cache-Control": "max-age=10", ETag: etag } });
      await p.get({}, `/${encodeURIComponent(etag)}`);
      p.advance(11);
      await p.get({}, `/${encodeURIComponent(etag)}`);
      expect(p.seen.at(-1)?.headers.get("If-None-Match")).toBe(etag);
    }
  }),
  rfc9111("4.3.1", "SHOULD", "send the stored Last-Modified unchanged", async (p) => {
    const modified = "Sunday, 06-Nov-94 08:49:37 GMT";
    await revalidated(p, { "Last-Modified": modified }, { status: 304 });
    expect(p.seen[1]?.headers.get("If-Modified-Since")).toBe(modified);
  }),
  rfc9111("4.3.1", "SHOULD", "send both stored validators", async (p) => {
    await revalidated(p, { ...TAG, "Last-Modified": p.date(-100) }, { status: 304 });
    expect(p.seen[1]?.headers.get("If-None-Match")).toBe('"a"');
    expect(p.seen[1]?.headers.get("If-Modified-Since")).toBe(
      p.seen[1]?.headers.get("If-Modified-Since"),
    );
  }),
  rfc9111("4.3.1", "MUST", "replace the client's conditions by its own", async (p) => {
    const answer = await revalidated(
      p,
      TAG,
      { status: 304, headers: TAG },
      {
        "If-None-Match": '"other"',
        "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT",
        Range: "bytes=0-0",
      },
    );
    const asked = p.seen[1]?.headers;
    expect([
      asked?.get("If-None-Match"),
      asked?.get("If-Modified-Since"),
      asked?.get("Range"),
    ]).toEqual(['"a"', null, null]);
    expect([answer.status, answer.body]).toEqual([206, "1"]);
  }),
  rfc9111(
    "4.3.3",
    "MUST",
    "replace the stored response by a full response to a revalidation",
    async (p) => {
      const answer = await revalidated(p, TAG, { headers: { ...FRESH, ETag: '"b"' } });
      expect([answer.status, answer.body]).toEqual([200, "2"]);
      expect((await p.get()).body).toBe("2");
      expect(p.seen.length).toBe(2);
    },
  ),
  rfc9111("4.3.3", "MUST", "relay a 304 that answers the client's own condition", async (p) => {
    p.answers({ status: 304, headers: TAG }, { headers: FRESH });
    expect((await p.get({ "If-None-Match": '"a"' })).status).toBe(304);
    expect(p.seen[0]?.headers.get("If-None-Match")).toBe('"a"');
    expect((await p.get()).status).toBe(200);
  }),
  rfc9111(
    "4.3.1",
    "MAY",
    "forward the client's condition if the stored response has no validator",
    async (p) => {
      const theirs = { "If-None-Match": '"a"', Range: "bytes=0-0" };
      const answer = await revalidated(p, {}, { status: 304, headers: TAG }, theirs);
      expect(answer.status).toBe(304);
      const asked = p.seen[1]?.headers;
      expect([asked?.get("If-None-Match"), asked?.get("Range")]).toEqual(['"a"', null]);
    },
  ),
  rfc9111("4.3.4", "MUST", "treat the response as fresh again after a 304", async (p) => {
    await revalidated(p, TAG, { status: 304, headers: TAG });
    p.advance(9);
    expect((await p.get()).cache).toBe("HIT");
    expect(p.seen.length).toBe(2);
  }),
  rfc9111("4.3.4", "MUST NOT", "update a stored response with another entity tag", async (p) => {
    const answer = await revalidated(p, TAG, (request) =>
      request.headers.has("If-None-Match")
        ? { status: 304, headers: { ETag: '"b"' } }
        : { headers: { ...FRESH, ETag: '"b"' }, body: "full" },
    );
    expect([answer.status, answer.body]).toEqual([200, "full"]);
    expect(p.seen.length).toBe(3);
  }),
  update({ Foo: "old" }, { Foo: "new" }, "Foo", "new"),
  update({}, { Bar: "new" }, "Bar", "new"),
  update({ Foo: "old" }, {}, "Foo", "old"),
  update(
    { "Cache-Control": "max-age=10" },
    { "Cache-Control": "max-age=20" },
    "Cache-Control",
    "max-age=20",
  ),
  update({ "Content-Type": "text/a" }, { "Content-Type": "text/b" }, "Content-Type", "text/b"),
  update({}, { "Content-Length": "999" }, "Content-Length", null),
  update({}, { "Content-Range": "bytes 0-0/9" }, "Content-Range", null),
  update({ "Content-Encoding": "x-a" }, { "Content-Encoding": "x-b" }, "Content-Encoding", "x-b"),
  update({}, { Connection: "Foo", Foo: "1" }, "Foo", null),
  update({ Foo: "old" }, { Connection: "Foo", Foo: "1" }, "Foo", "old"),
  update({}, { "Keep-Alive": "x" }, "Keep-Alive", null),
  update({ "Set-Cookie": "a=1" }, { "Set-Cookie": "a=2" }, "Set-Cookie", "a=2"),
  update({ Age: "3" }, {}, "Age", null),
  update({ "Content-Location": "/a" }, { "Content-Location": "/b" }, "Content-Location", "/b"),
  rfc9111("4.3.4", "MUST", "count the age from the 304", async (p) => {
    await revalidated(p, TAG, { status: 304, headers: { ...TAG, Age: "4" } });
    p.advance(5);
    expect((await p.get()).headers.get("Age")).toBe("9");
    p.advance(2);
    await p.get();
    expect(p.seen.length).toBe(3);
  }),
  rfc9111("4.3.3", "MUST", "relay a 5xx that answers a revalidation", async (p) => {
    const answer = await revalidated(p, TAG, {
      status: 503,
      headers: { "Cache-Control": "no-store" },
    });
    expect([answer.status, answer.body]).toEqual([503, "2"]);
  }),
  rfc9111("5.2.2.4", "MUST NOT", "reuse a response with no-cache without validation", async (p) => {
    p.answers(
      { headers: { "Cache-Control": "no-cache, max-age=100", ...TAG } },
      { status: 304, headers: TAG },
    );
    await p.get();
    expect((await p.get()).body).toBe("1");
    expect((await p.get()).cache).toBe("REVALIDATED");
    expect(p.seen.length).toBe(3);
  }),
  rfc9111(
    "5.2.2.4",
    "MUST NOT",
    "send the fields that no-cache names without validation",
    async (p) => {
      p.answers({
        headers: {
          "Cache-Control": 'max-age=100, no-cache="X-Mine"',
          "X-Mine": "1",
          "X-Ours": "1",
        },
      });
      expect((await p.get()).headers.get("X-Mine")).toBe("1");
      const { headers } = await p.get();
      expect([headers.get("X-Mine"), headers.get("X-Ours")]).toEqual([null, "1"]);
      expect(p.seen.length).toBe(1);
    },
  ),
  rfc9111(
    "5.2.2.1",
    "MAY",
    "store a response that has only a validator, to revalidate it",
    async (p) => {
      p.answers({ headers: TAG }, { status: 304, headers: TAG });
      await p.get();
      expect((await p.get()).body).toBe("1");
      expect(p.seen[1]?.headers.get("If-None-Match")).toBe('"a"');
    },
  ),
  rfc9110("13.1.2", "MUST", "compare If-None-Match weakly, as a list, and as *", async (p) => {
    p.answers({ headers: { ...FRESH, ETag: '"a,b"' } });
    await p.get();
    for (const value of ['"a,b"', 'W/"a,b"', '"x", "a,b"', '"x","a,b","y"', "*", ' "x" ,\tW/"a,b"'])
      expect((await p.get({ "If-None-Match": value })).status, value).toBe(304);
    for (const value of ['"x"', '"a"', '"b"', "a,b", '"A,B"', "W/*"])
      expect((await p.get({ "If-None-Match": value })).status, value).toBe(200);
    expect(p.seen.length).toBe(1);
  }),
  rfc9110("13.1.2", "MUST", "compare If-None-Match with a weak stored entity tag", async (p) => {
    p.answers({ headers: { ...FRESH, ETag: 'W/"a"' } });
    await p.get();
    expect((await p.get({ "If-None-Match": '"a"' })).status).toBe(304);
  }),
  rfc9110("13.1.3", "MUST", "ignore If-Modified-Since if there is If-None-Match", async (p) => {
    p.answers({ headers: { ...FRESH, ...TAG, "Last-Modified": p.date(-1_000) } });
    await p.get();
    const answer = await p.get({ "If-None-Match": '"x"', "If-Modified-Since": p.date() });
    expect(answer.status).toBe(200);
  }),
  rfc9111("4.3.2", "MUST", "compare If-Modified-Since with Last-Modified", async (p) => {
    const [modified, later, earlier] = [p.date(-1_000), p.date(-900), p.date(-1_100)];
    p.answers({ headers: { ...FRESH, "Last-Modified": modified } });
    await p.get();
    expect((await p.get({ "If-Modified-Since": modified })).status).toBe(304);
    expect((await p.get({ "If-Modified-Since": later })).status).toBe(304);
    expect((await p.get({ "If-Modified-Since": earlier })).status).toBe(200);
    expect((await p.get({ "If-Modified-Since": "long ago" })).status).toBe(200);
  }),
  rfc9111(
    "4.3.2",
    "MUST",
    "compare If-Modified-Since with Date if there is no Last-Modified",
    async (p) => {
      p.answers({ headers: FRESH });
      await p.get();
      expect((await p.get({ "If-Modified-Since": p.date(10) })).status).toBe(304);
      expect((await p.get({ "If-Modified-Since": p.date(-10) })).status).toBe(200);
    },
  ),
  rfc9110("15.4.5", "MUST", "send the required fields with a 304, and no others", async (p) => {
    const sent = {
      ...FRESH,
      ...TAG,
      Vary: "X",
      Date: p.date(),
      Expires: p.date(9),
      "Content-Location": "/y",
    };
    p.answers({
      headers: { ...sent, "Content-Type": "text/x", "Last-Modified": p.date(-5), "X-Other": "1" },
    });
    await p.get();
    const { status, headers, body } = await p.get({ "If-None-Match": '"a"' });
    expect([status, body]).toEqual([304, ""]);
    for (const [name, value] of Object.entries(sent)) expect(headers.get(name), name).toBe(value);
    for (const name of ["Content-Type", "Content-Length", "X-Other"])
      expect(headers.get(name), name).toBeNull();
  }),
  rfc9111("4.3.2", "MUST", "evaluate a condition only for a stored 200", async (p) => {
    p.answers({ status: 404, headers: { ...FRESH, ...TAG } });
    await p.get();
    expect((await p.get({ "If-None-Match": '"a"' })).status).toBe(404);
  }),
  rfc9110(
    "13.2.2",
    "MUST",
    "evaluate the client's condition after its own revalidation",
    async (p) => {
      const answer = await revalidated(
        p,
        TAG,
        { status: 304, headers: TAG },
        { "If-None-Match": '"a"' },
      );
      expect(answer.status).toBe(304);
    },
  ),
];
