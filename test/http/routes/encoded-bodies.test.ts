/** Handlers whose responses name a content coding that their bodies have, or no longer have. */
import { describe, expect, it } from "vitest";
import { cached } from "../../../src/index.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

const TEXT = "the platform has decoded this body already. ".repeat(20);

interface Bytes {
  readonly status: string | null;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** A route whose handler answers with `make`, and the bytes that its clients get. */
function serving(make: () => Response | Promise<Response>): TestApp & {
  calls(): number;
  fetchBytes(): Promise<Bytes>;
} {
  let calls = 0;
  const app = createTestApp(uniqueNamespace(), (routes) =>
    routes.get("/thing", cached({ freshFor: "1m", jitter: 0 }), async () => {
      calls++;
      return make();
    }),
  );
  return {
    ...app,
    calls: () => calls,
    async fetchBytes() {
      const { createExecutionContext, waitOnExecutionContext } = await import("cloudflare:test");
      const execution = createExecutionContext();
      const response = await app.app.fetch(new Request("http://x.test/thing"), {}, execution);
      const { headers } = response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      await waitOnExecutionContext(execution);
      return { status: headers.get("X-Cache-Status"), headers, bytes };
    },
  };
}

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Response(text).body!.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

const textOf = ({ bytes }: Bytes): string => new TextDecoder().decode(bytes);

/** What `fetch()` gives for an encoded response: its fields, and a body that is decoded when it is read. */
const decoded = (coding: string, more: Readonly<Record<string, string>> = {}): Response =>
  new Response(TEXT, {
    headers: { "Content-Type": "text/plain", "Content-Encoding": coding, ...more },
  });

describe("a cached route whose response names a content coding", () => {
  it.each(["gzip", "br"])(
    "a body that the platform has decoded from %s is sent and stored without Content-Encoding",
    async (coding) => {
      const { fetchBytes, calls } = serving(() =>
        decoded(coding, { "Content-Length": "999", "Content-MD5": "x", "Content-Digest": "x" }),
      );
      for (const status of ["MISS", "HIT"]) {
        const answer = await fetchBytes();
        expect(answer.status).toBe(status);
        expect(textOf(answer)).toBe(TEXT);
        for (const name of ["Content-Encoding", "Content-Length", "Content-MD5", "Content-Digest"])
          expect(answer.headers.get(name)).toBeNull();
      }
      expect(calls()).toBe(1);
    },
  );

  it("a cached route replaces the strong entity tag of a body that the platform has decoded, and does not change a weak entity tag", async () => {
    const strong = serving(() => decoded("gzip", { ETag: '"of-gzip"' }));
    await strong.fetchBytes();
    const { headers } = await strong.fetchBytes();
    expect(headers.get("ETag")).toMatch(/^"[\w+/]{20}"$/);
    const own = await strong.get("/thing", { "If-None-Match": headers.get("ETag") ?? "" });
    expect(own.status).toBe(304);
    const former = await strong.get("/thing", { "If-None-Match": '"of-gzip"' });
    expect(former.status).toBe(200);

    const weak = serving(() => decoded("gzip", { ETag: 'W/"either"' }));
    await weak.fetchBytes();
    expect((await weak.fetchBytes()).headers.get("ETag")).toBe('W/"either"');
  });

  it("a body that the handler of a cached route has compressed with gzip is sent and stored unchanged", async () => {
    const bytes = await gzip(TEXT);
    const { fetchBytes, calls } = serving(
      () =>
        new Response(bytes, {
          encodeBody: "manual",
          headers: { "Content-Type": "text/plain", "Content-Encoding": "gzip", ETag: '"z"' },
        }),
    );
    for (const status of ["MISS", "HIT"]) {
      const answer = await fetchBytes();
      expect(answer.status).toBe(status);
      expect(answer.bytes).toEqual(bytes);
      expect(answer.headers.get("Content-Encoding")).toBe("gzip");
      expect(answer.headers.get("ETag")).toBe('"z"');
    }
    expect(calls()).toBe(1);
  });

  it("a cached route calls its handler again for a client that refuses the content coding of the stored body", async () => {
    const bytes = await gzip(TEXT);
    const { get, calls } = serving(
      () =>
        new Response(bytes, {
          encodeBody: "manual",
          headers: { "Content-Type": "text/plain", "Content-Encoding": "gzip" },
        }),
    );
    await get("/thing", { "Accept-Encoding": "gzip" });
    await get("/thing", { "Accept-Encoding": "gzip" });
    expect(calls()).toBe(1);
    await get("/thing", { "Accept-Encoding": "gzip;q=0" });
    expect(calls()).toBe(2);
  });

  it("a body in the content coding zstd, which the platform does not decode, is sent and stored unchanged, with its Content-Encoding", async () => {
    const bytes = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3);
    const { fetchBytes, calls } = serving(
      () => new Response(bytes, { headers: { "Content-Encoding": "zstd" } }),
    );
    for (const status of ["MISS", "HIT"]) {
      const answer = await fetchBytes();
      expect(answer.status).toBe(status);
      expect(answer.bytes).toEqual(bytes);
      expect(answer.headers.get("Content-Encoding")).toBe("zstd");
    }
    expect(calls()).toBe(1);
  });

  it.each([
    ["br with bytes that are no text", "br", "image/x-icon", [0x1b, 0x47, 0x03, 0xf8]],
    ["br with a text of a few bytes", "br", "text/plain", [0x61, 0x62, 0x63]],
    ["gzip of a compressed file", "gzip", "application/gzip", [0x1f, 0x8b, 0x08, 0]],
  ])(
    "a body whose bytes do not show whether the platform has decoded it (%s) is sent unchanged and not stored",
    async (_, coding, type, values) => {
      const bytes = Uint8Array.from(values);
      const { fetchBytes, calls } = serving(
        () =>
          new Response(bytes, {
            encodeBody: "manual",
            headers: { "Content-Type": type, "Content-Encoding": coding },
          }),
      );
      for (let call = 1; call <= 2; call++) {
        const answer = await fetchBytes();
        expect(answer.bytes).toEqual(bytes);
        expect(answer.headers.get("Content-Encoding")).toBe(coding);
        expect(calls()).toBe(call);
      }
    },
  );
});
