import { describe, expect, it } from "vitest";
import { collectCopy } from "../../../src/http/routes/response-body.ts";

const MIB = 2 ** 20;

/** A response that has sent `bytes` and ends later. */
function unended(bytes: number): { readonly response: Response; end(): void } {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  void writer.write(new Uint8Array(bytes));
  return { response: new Response(readable), end: () => void writer.close() };
}

describe("copies of the bodies of cached routes", () => {
  it("while the copies of an isolate have 8 MiB together, a further body is not collected, and after their end it is", async () => {
    const bodies = Array.from({ length: 8 }, () => unended(MIB));
    const copies = bodies.map(({ response }) => collectCopy(response));
    const text = async (): Promise<number | undefined> =>
      (await collectCopy(new Response("x")))?.byteLength;
    await expect.poll(text).toBeUndefined();
    for (const { end } of bodies) end();
    for (const copy of await Promise.all(copies)) expect(copy?.byteLength).toBe(MIB);
    expect(await text()).toBe(1);
  });
});
