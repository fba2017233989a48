import { describe, expect, it } from "vitest";
import { createProxy, type Proxy } from "../../conformance/proxy.ts";
import { streamOf } from "../../support/streams.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const MIB = 1 << 20;

async function sizeOf(p: Proxy): Promise<{ size: number; cache: string | null }> {
  const { response, settle } = await p.open({});
  let size = 0;
  if (response.body !== null) for await (const chunk of response.body) size += chunk.byteLength;
  await settle();
  return { size, cache: response.headers.get("X-Cache-Status") };
}

describe("response bodies of the proxy", () => {
  it.each([0, 1, 65_536, MIB, 4 * MIB])("the proxy stores a body of %i bytes", async (size) => {
    const p = createProxy();
    p.answers(() => ({ headers: FRESH, body: streamOf(size) }));
    expect(await sizeOf(p)).toEqual({ size, cache: "MISS" });
    expect(await sizeOf(p)).toEqual({ size, cache: "HIT" });
  });

  it.each([4 * MIB + 1, 30 * MIB])(
    "a body of %i bytes, which is over the default size limit, reaches the client whole and is not stored",
    async (size) => {
      const p = createProxy();
      p.answers(() => ({ headers: FRESH, body: streamOf(size, { chunk: MIB }) }));
      expect((await sizeOf(p)).size).toBe(size);
      expect((await sizeOf(p)).size).toBe(size);
      expect(p.seen.length).toBe(2);
    },
  );

  it.each(["safe", "rfc"] as const)(
    "in %s mode, if the origin answers a range request for a missing part with a whole body over `maxBodyBytes`, the client gets that body",
    async (sharing) => {
      const p = createProxy({ sharing, maxBodyBytes: 1_000 });
      const part = { ...FRESH, ETag: '"a"', "Content-Range": "bytes 0-4/8" };
      p.answers({ status: 206, headers: part, body: "01234" });
      await p.get({ Range: "bytes=0-4" });
      p.answers(() => ({ headers: { ...FRESH, ETag: '"b"' }, body: streamOf(2_000) }));
      expect((await sizeOf(p)).size).toBe(2_000);
    },
  );

  it("a response whose Content-Length is over the option `maxBodyBytes` reaches the client and is not stored", async () => {
    const p = createProxy({ maxBodyBytes: 1_000 });
    p.answers(() => ({ headers: { ...FRESH, "Content-Length": "2000" }, body: streamOf(2_000) }));
    expect((await sizeOf(p)).size).toBe(2_000);
    expect((await sizeOf(p)).size).toBe(2_000);
    expect(p.seen.length).toBe(2);
  });

  it("the proxy streams: the client reads the first chunk before the origin has sent the last one", async () => {
    const p = createProxy();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("first"));
        await released;
        controller.enqueue(new TextEncoder().encode("second"));
        controller.close();
      },
    });
    p.answers({ headers: FRESH, body }, { headers: FRESH, body: "again" });
    const { response, settle } = await p.open({});
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    release();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("second");
    expect((await reader?.read())?.done).toBe(true);
    await settle();
    expect((await p.get()).body).toBe("firstsecond");
  });

  it("the proxy stores a response although its client disconnects half-way through the body", async () => {
    const p = createProxy();
    p.answers({ headers: FRESH, body: streamOf(MIB) });
    const { response, settle } = await p.open({});
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await settle();
    expect(await sizeOf(p)).toEqual({ size: MIB, cache: "HIT" });
    expect(p.seen.length).toBe(1);
  });

  it.each([
    ["unknown length", {}],
    ["known length", { "Content-Length": String(MIB) }],
  ])(
    "if a long body of %s breaks off after its first 100,000 bytes, the client gets an error and the response is not stored",
    async (_, length) => {
      const p = createProxy();
      p.answers(
        () => ({
          headers: { ...FRESH, ...length },
          body: streamOf(MIB, { upTo: 100_000, pauseMs: 20 }),
        }),
        { headers: FRESH, body: "whole" },
      );
      await expect(sizeOf(p)).rejects.toThrow("connection lost");
      expect((await p.get()).body).toBe("whole");
    },
  );

  it("if a short body of unknown length breaks off, the client gets a 502 and the response is not stored", async () => {
    const p = createProxy();
    p.answers(
      { headers: FRESH, body: streamOf(100, { upTo: 50 }) },
      { headers: FRESH, body: "ok" },
    );
    expect((await p.get()).status).toBe(502);
    expect((await p.get()).body).toBe("ok");
  });

  it("if a short body with Content-Length breaks off, the client gets a 502 and the response is not stored", async () => {
    const p = createProxy();
    p.answers(
      { headers: { ...FRESH, "Content-Length": "100" }, body: streamOf(100, { upTo: 50 }) },
      { headers: FRESH, body: "whole" },
    );
    expect((await p.get()).status).toBe(502);
    expect((await p.get()).body).toBe("whole");
  });

  it("the proxy serves the stale stored response if the origin's new body breaks off during revalidation", async () => {
    const p = createProxy();
    p.answers(
      { headers: { "Cache-Control": "max-age=10" }, body: "stored" },
      { headers: { ...FRESH, "Content-Length": "100" }, body: streamOf(100, { upTo: 50 }) },
    );
    await p.get();
    p.advance(11);
    const answer = await p.get();
    expect([answer.status, answer.body, answer.cache]).toEqual([200, "stored", "STALE"]);
  });

  it("every cache tier returns the exact bytes of a body with Content-Encoding", async () => {
    const bytes = Uint8Array.from([0x1f, 0x8b, 1, 2, 3, 0xff, 0xfe]);
    const p = createProxy();
    p.answers({ headers: { ...FRESH, "Content-Encoding": "gzip" }, body: bytes });
    await p.get();
    const sibling = p.sibling();
    for (const proxy of [p, sibling]) {
      const { response, settle } = await proxy.open({});
      const raw = new Response(response.body, { encodeBody: "manual" });
      expect(response.headers.get("Content-Encoding")).toBe("gzip");
      expect(new Uint8Array(await raw.arrayBuffer())).toEqual(bytes);
      await settle();
    }
  });
});

describe("concurrent requests to the proxy", () => {
  it("20 concurrent requests for one stale response cause one request to the origin", async () => {
    const p = createProxy();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    p.answers({ headers: { "Cache-Control": "max-age=10", ETag: '"a"' } }, async () => {
      await released;
      return { status: 304, headers: { ETag: '"a"', "Cache-Control": "max-age=10" } };
    });
    await p.get();
    p.advance(11);
    const answers = Promise.all(Array.from({ length: 20 }, () => p.get()));
    while (p.seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    release();
    expect(new Set((await answers).map(({ body }) => body))).toEqual(new Set(["1"]));
    expect(p.seen.length).toBe(2);
  });

  it("concurrent requests for three variants of one resource each get their own variant, and all three variants are stored", async () => {
    const p = createProxy();
    p.answers((request) => ({
      headers: { ...FRESH, Vary: "Foo" },
      body: request.headers.get("Foo") ?? "",
    }));
    const foos = ["1", "2", "3", "1", "2", "3"];
    const answers = await Promise.all(foos.map((foo) => p.get({ Foo: foo })));
    expect(answers.map(({ body }) => body)).toEqual(foos);
    expect(p.seen.length).toBeLessThanOrEqual(4);
    for (const foo of foos) expect((await p.get({ Foo: foo })).cache).toBe("HIT");
  });

  it("concurrent requests for a resource with Cache-Control: private each get a response of their own", async () => {
    const p = createProxy();
    p.answers((request) => ({
      headers: { "Cache-Control": "private" },
      body: request.headers.get("Cookie") ?? "",
    }));
    const cookies = ["a", "b", "c", "d"];
    const answers = await Promise.all(cookies.map((Cookie) => p.get({ Cookie })));
    expect(answers.map(({ body }) => body)).toEqual(cookies);
  });
});
