import { describe, expect, it } from "vitest";
import { createProxy, type Proxy } from "../../conformance/proxy.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const MIB = 1 << 20;

/** A body of `size` bytes, chunk by chunk; `upTo` breaks it off. */
function streamOf(
  size: number,
  { chunk = 65_536, upTo = size }: { chunk?: number; upTo?: number } = {},
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= upTo) {
        if (upTo < size) controller.error(new Error("connection lost"));
        else controller.close();
        return;
      }
      const bytes = new Uint8Array(Math.min(chunk, upTo - sent)).fill(sent % 251);
      sent += bytes.byteLength;
      controller.enqueue(bytes);
    },
  });
}

async function sizeOf(p: Proxy): Promise<{ size: number; cache: string | null }> {
  const { response, settle } = await p.open({});
  let size = 0;
  if (response.body !== null) for await (const chunk of response.body) size += chunk.byteLength;
  await settle();
  return { size, cache: response.headers.get("X-Cache-Status") };
}

describe("a body", () => {
  it.each([0, 1, 65_536, MIB, 4 * MIB])("of %i bytes is kept whole", async (size) => {
    const p = createProxy();
    p.answers(() => ({ headers: FRESH, body: streamOf(size) }));
    expect(await sizeOf(p)).toEqual({ size, cache: "MISS" });
    expect(await sizeOf(p)).toEqual({ size, cache: "HIT" });
  });

  it.each([4 * MIB + 1, 30 * MIB])(
    "of %i bytes passes through whole, and is not kept",
    async (size) => {
      const p = createProxy();
      p.answers(() => ({ headers: FRESH, body: streamOf(size, { chunk: MIB }) }));
      expect((await sizeOf(p)).size).toBe(size);
      expect((await sizeOf(p)).size).toBe(size);
      expect(p.seen.length).toBe(2);
    },
  );

  it("that says how long it is passes through unread if that is too long", async () => {
    const p = createProxy({ maxBodyBytes: 1_000 });
    p.answers(() => ({ headers: { ...FRESH, "Content-Length": "2000" }, body: streamOf(2_000) }));
    expect((await sizeOf(p)).size).toBe(2_000);
    expect((await sizeOf(p)).size).toBe(2_000);
    expect(p.seen.length).toBe(2);
  });

  it("comes to the client while it is still under way", async () => {
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

  it("is kept though its client leaves half-way", async () => {
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
    ["of unknown length", {}],
    ["of known length", { "Content-Length": String(MIB) }],
  ])("%s that breaks off is not kept, and its client sees that it did", async (_, length) => {
    const p = createProxy();
    p.answers(
      () => ({ headers: { ...FRESH, ...length }, body: streamOf(MIB, { upTo: 100_000 }) }),
      { headers: FRESH, body: "whole" },
    );
    await expect(sizeOf(p)).rejects.toThrow("connection lost");
    expect((await p.get()).body).toBe("whole");
  });

  it("that is short and breaks off is a 502, and is not kept", async () => {
    const p = createProxy();
    p.answers(
      { headers: { ...FRESH, "Content-Length": "100" }, body: streamOf(100, { upTo: 50 }) },
      { headers: FRESH, body: "whole" },
    );
    expect((await p.get()).status).toBe(502);
    expect((await p.get()).body).toBe("whole");
  });

  it("that breaks off while it is revalidated leaves what was stored to be served stale", async () => {
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

  it("keeps its encoding, byte for byte", async () => {
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

describe("concurrent requests", () => {
  it("for one stale response ask the origin once", async () => {
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

  it("for different variants each ask once", async () => {
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

  it("for what may not be shared each have their own answer", async () => {
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
