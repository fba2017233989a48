/** Handlers whose bodies are long or have no end. */
import { describe, expect, it } from "vitest";
import { endlessBody, serving } from "./slow-bodies.ts";

const MIB = 1_048_576;

describe("a cached route whose body is long or has no end", () => {
  it.each(["text/event-stream", "text/event-stream; charset=utf-8", "multipart/x-mixed-replace"])(
    "a cached route sends a stream of %s to each client part by part, and does not collect the stream for the cache",
    async (type) => {
      const bodies = [endlessBody(), endlessBody()];
      let call = 0;
      const { open } = serving(
        () => new Response(bodies[call++]!.readable, { headers: { "Content-Type": type } }),
      );
      for (const { state } of bodies) {
        const client = await open();
        for (let i = 0; i < 5; i++) expect(await client.next()).toBe("event\n");
        // At most one part is read ahead of the client.
        expect(state.parts).toBeLessThanOrEqual(6);
        await client.leave();
        expect(state.isCancelled).toBe(true);
      }
      expect(call).toBe(2);
    },
  );

  it("an endless body of type application/x-ndjson reaches two concurrent clients of a cached route part by part", async () => {
    const { open, calls } = serving(
      () =>
        new Response(endlessBody().readable, {
          headers: { "Content-Type": "application/x-ndjson" },
        }),
    );
    const clients = await Promise.all([open(), open()]);
    for (const client of clients)
      for (let i = 0; i < 3; i++) expect(await client.next()).toBe("event\n");
    expect(calls()).toBe(2);
    await Promise.all(clients.map((client) => client.leave()));
  });

  it("an endless body is read only up to the size limit of the cache if its client stops reading, and is cancelled when the client leaves", async () => {
    const { readable, state } = endlessBody("x".repeat(MIB / 4));
    const { open } = serving(() => new Response(readable));
    const client = await open();
    for (let i = 0; i < 2; i++) await client.next();
    // A client that stops reading stops the handler, once the copy for the cache is over its limit.
    await expect.poll(() => state.parts).toBeGreaterThanOrEqual(5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(state.parts).toBeLessThanOrEqual(6);
    await client.leave();
    await expect.poll(() => state.isCancelled).toBe(true);
  });

  it.each([
    ["of unknown length", {}],
    ["with a Content-Length", { "Content-Length": String(2 * MIB) }],
  ])(
    "a body over the size limit of the cache (%s) reaches the client whole and is not stored",
    async (_, headers) => {
      const { open, calls } = serving(() => {
        const chunk = new Uint8Array(MIB / 2).fill(97);
        let sent = 0;
        const body = new ReadableStream<Uint8Array>({
          pull: (controller) =>
            ++sent <= 4 ? controller.enqueue(chunk.slice()) : controller.close(),
        });
        return new Response(body, { headers });
      });
      for (let i = 1; i <= 2; i++) {
        expect((await (await open()).end()).length).toBe(2 * MIB);
        expect(calls()).toBe(i);
      }
    },
  );
});
