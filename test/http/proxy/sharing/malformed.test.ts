/** Attack: a malformed field hides what the origin forbids, or permits what it does not permit. */
import { describe, expect, it } from "vitest";
import { createProxy } from "../../../conformance/proxy.ts";

const AUTHORIZED = { Authorization: "Bearer VICTIM" };

describe.each(["safe", "rfc"] as const)("malformed fields, in %s mode", (sharing) => {
  it.each([
    'max-age=600, ext="a, no-store',
    'max-age=600, ext="a, private',
    'max-age=600, private="x, no-store',
    'max-age=600, ext="a\\", no-store',
    'max-age=600, a="b, c", ext="d, no-store',
  ])(`a directive after an unclosed quote is obeyed, in ${sharing} mode: %s`, async (control) => {
    const p = createProxy({ sharing });
    p.answers({ headers: { "Cache-Control": control } });
    await p.get();
    expect((await p.get()).body).toBe("2");
  });

  it(`the proxy ignores no-store inside a quoted string in Cache-Control, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers({ headers: { "Cache-Control": 'max-age=600, ext="a, no-store"' } });
    await p.get();
    expect((await p.get()).cache).toBe("HIT");
  });

  it.each([
    "max-age=600, public=bad",
    "max-age=600, public =",
    'max-age=600, public="Set-Cookie"',
    "max-age=600, must-revalidate =",
    "max-age=600, must-revalidate=1",
    "max-age=600, s-maxage=bad",
    "max-age=600, s-maxage =600",
  ])(
    `a response to a request with Authorization is not sent to another client if its permission is malformed, in ${sharing} mode: %s`,
    async (control) => {
      const p = createProxy({ sharing });
      p.answers((request) => ({
        headers: { "Cache-Control": control, ETag: '"a"' },
        body: request.headers.get("Authorization") ?? "nobody",
      }));
      await p.get(AUTHORIZED);
      expect((await p.get()).body).toBe("nobody");
      expect(p.seen[1]?.headers.get("If-None-Match")).toBeNull();
    },
  );

  it(`while the origin is down, a stale response with a malformed must-revalidate is not served, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers({ headers: { "Cache-Control": "max-age=1, must-revalidate =" } });
    await p.get();
    p.advance(2);
    p.answers({ fails: true });
    expect((await p.get()).status).toBe(502);
  });

  it(`a 206 with several ranges of a stored response has no Content-Range in its header section, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    p.answers({
      headers: { "Cache-Control": "max-age=600", "Content-Range": "bytes 0-9/10" },
      body: "0123456789",
    });
    await p.get();
    const answer = await p.get({ Range: "bytes=0-1,4-5" });
    expect([answer.status, answer.cache]).toEqual([206, "HIT"]);
    expect(answer.headers.get("Content-Range")).toBeNull();
  });

  it(`a multipart/byteranges 206 of the origin with a Content-Range is not stored as a single range, in ${sharing} mode`, async () => {
    const p = createProxy({ sharing });
    const type = "multipart/byteranges; boundary=b";
    p.answers({
      status: 206,
      headers: {
        "Cache-Control": "public, max-age=600",
        "Content-Type": type,
        "Content-Range": "bytes 0-5/20",
        ETag: '"a"',
      },
      body: "--b\r\n.",
    });
    await p.get({ Range: "bytes=0-1,4-5" });
    p.answers({ status: 206, headers: { "Content-Range": "bytes 0-1/20" }, body: "01" });
    expect((await p.get({ Range: "bytes=0-1" })).body).toBe("01");
  });
});

it.each(["public=1, max-age=600", "public=?0, max-age=600", "s-maxage=a, max-age=600"])(
  "in rfc mode, a response to a request with Authorization is not sent to another client if its CDN-Cache-Control is malformed: %s",
  async (control) => {
    const p = createProxy({ sharing: "rfc" });
    p.answers((request) => ({
      headers: { "CDN-Cache-Control": control },
      body: request.headers.get("Authorization") ?? "nobody",
    }));
    await p.get(AUTHORIZED);
    expect((await p.get()).body).toBe("nobody");
  },
);
