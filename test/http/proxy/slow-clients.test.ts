import { describe, expect, it } from "vitest";
import { createByteBudget } from "../../../src/core/byte-budget.ts";
import { collect } from "../../../src/http/proxy/body-stream.ts";
import { collectBody } from "../../../src/http/proxy/collect-body.ts";
import type { OriginResponse } from "../../../src/http/proxy/forward.ts";
import { createProxy } from "../../conformance/proxy.ts";
import { createTestContext } from "../../support/context.ts";
import { streamOf } from "../../support/streams.ts";

const FRESH = { "Cache-Control": "max-age=3600" };
const MIB = 1 << 20;
const PATIENT = { timeout: 10_000 };

describe("bodies of the proxy and slow clients", () => {
  it.each([
    ["unknown length", {}],
    ["known length", { "Content-Length": String(MIB) }],
  ])("the proxy stores a body of %s although the client reads nothing", async (_, length) => {
    const p = createProxy();
    p.answers({ headers: { ...FRESH, ...length }, body: streamOf(MIB) });
    const { response, settle } = await p.open({});
    await expect.poll(async () => (await p.get()).cache, PATIENT).toBe("HIT");
    expect(p.seen.length).toBe(1);
    expect((await response.arrayBuffer()).byteLength).toBe(MIB);
    await settle();
  });

  it("while 16 MiB of bodies wait for slow clients, a further body is relayed and not stored, and after those clients leave it is stored", async () => {
    const p = createProxy();
    p.answers(() => ({ headers: FRESH, body: streamOf(4 * MIB) }));
    const stalled = [];
    for (let i = 0; i < 4; i++) stalled.push(await p.open({ path: `/stalled/${i}` }));
    for (let i = 0; i < 4; i++)
      await expect.poll(async () => (await p.get({}, `/stalled/${i}`)).cache, PATIENT).toBe("HIT");
    const over = async (): Promise<string | null> => {
      const { response, settle } = await p.open({ path: "/over" });
      expect((await response.arrayBuffer()).byteLength).toBe(4 * MIB);
      await settle();
      return response.headers.get("X-Cache-Status");
    };
    const before = p.seen.length;
    expect([await over(), await over(), p.seen.length]).toEqual(["MISS", "MISS", before + 2]);
    for (const { response, settle } of stalled) {
      await response.body?.cancel();
      await settle();
    }
    // The marker that the last result could not be stored does not prevent storing.
    expect([await over(), await over()]).toEqual(["MISS", "HIT"]);
  });

  it("a body that is too long to store is read from the origin at the speed of its client", async () => {
    const p = createProxy({ maxBodyBytes: 100_000 });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          sent++;
          controller.enqueue(new Uint8Array(65_536));
        },
      },
      { highWaterMark: 0 },
    );
    p.answers({ headers: FRESH, body });
    const { response, settle } = await p.open({});
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toBeLessThan(10);
    await response.body?.cancel();
    await settle();
    expect(sent).toBeLessThan(10);
  });

  it("a client gets the whole body although the storing of the response never completes", async () => {
    const ctx = createTestContext();
    const streaming = Promise.withResolvers<Response>();
    const received = {
      status: 200,
      headers: new Headers(),
      body: streamOf(MIB),
    } as unknown as OriginResponse;
    const collected = collectBody(received, {
      limit: 4 * MIB,
      budget: createByteBudget(4 * MIB),
      ctx,
      startStreaming: streaming.resolve,
      whenStored: () => new Promise(() => undefined),
    });
    const startedAt = Date.now();
    const [bytes, streamed] = await Promise.all([collected, streaming.promise]);
    expect((await streamed.arrayBuffer()).byteLength).toBe(MIB);
    expect(bytes?.byteLength).toBe(MIB);
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });

  it("a client that reads nothing of a body over the budget breaks off, and another client gets all of it", async () => {
    const budget = createByteBudget(MIB);
    const source = streamOf(3 * MIB);
    const body = collect(source, { shortBytes: 1, limit: 4 * MIB, budget });
    const options = { length: undefined, beforeEnd: () => Promise.resolve() };
    const [fast, slow] = [body.stream(options), body.stream(options)];
    const read = (stream: ReadableStream): Promise<unknown> =>
      new Response(stream).arrayBuffer().then(({ byteLength }) => byteLength, String);
    expect(await read(fast.body)).toBe(3 * MIB);
    expect(await read(slow.body)).toContain("reads too slowly");
    await Promise.all([fast.delivered, slow.delivered, body.ended]);
    expect([await body.bytes, budget.take(MIB)]).toEqual([undefined, true]);
  });

  it("bodies that break off and clients that leave use up none of the limit of bytes in flight, so that a later body is stored", async () => {
    const p = createProxy();
    for (let i = 0; i < 6; i++) {
      p.answers({ headers: FRESH, body: streamOf(4 * MIB, { upTo: 3 * MIB, pauseMs: 5 }) });
      await expect(p.get({}, `/broken/${i}`)).rejects.toThrow("connection lost");
      p.answers({ headers: FRESH, body: streamOf(4 * MIB) });
      const { response, settle } = await p.open({ path: `/left/${i}` });
      await response.body?.cancel();
      await settle();
    }
    p.answers({ headers: FRESH, body: streamOf(4 * MIB) });
    for (const cache of ["MISS", "HIT"]) {
      const answer = await p.get();
      expect([answer.body.length, answer.cache]).toEqual([4 * MIB, cache]);
    }
  });
});
