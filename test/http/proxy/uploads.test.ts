import { describe, expect, it } from "vitest";
import { createProxy, type Script } from "../../conformance/proxy.ts";

const CHUNK = new Uint8Array(8_192).fill(0x20);

/** A body of whole chunks. With `failsAfter` it fails as that of a client that leaves. */
function upload(chunks: number, failsAfter = Infinity): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === failsAfter) controller.error(new Error("Network connection lost."));
      else if (sent === chunks) controller.close();
      else controller.enqueue(CHUNK);
      sent++;
    },
  });
}

/** The origin reads the whole body, and answers with its length. */
const readAll: Script = async (request) => ({
  body: String((await request.arrayBuffer()).byteLength),
});

const LENGTH = { "Content-Length": String(20 * CHUNK.length) };

describe("an upload", () => {
  it("if a client disconnects during its upload, the proxy answers with status 499 and the Cache-Status detail `client-closed`", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(readAll);
    const answer = await p.send({ method: "POST", headers: LENGTH, body: upload(20, 2) });
    expect(answer.status).toBe(499);
    expect(JSON.parse(answer.body)).toMatchObject({ type: "urn:strata:problem:client-closed" });
    expect(answer.headers.get("Cache-Status")).toContain("detail=client-closed");
  });

  it.each([
    ["with", LENGTH],
    ["without", {}],
  ])(
    "if the origin fails during an upload %s Content-Length, the client gets a 502",
    async (_, headers) => {
      const p = createProxy({ sharing: "safe" });
      p.answers(async (request) => {
        const reader = request.body?.getReader();
        await reader?.read();
        await reader?.cancel();
        return { fails: "Network connection lost." };
      });
      expect((await p.send({ method: "POST", headers, body: upload(20) })).status).toBe(502);
    },
  );

  it.each([
    ["with", LENGTH],
    ["without", {}],
  ])("the origin receives the whole body of an upload %s Content-Length", async (_, headers) => {
    const p = createProxy({ sharing: "safe" });
    p.answers(readAll);
    const answer = await p.send({ method: "PUT", headers, body: upload(20) });
    expect([answer.status, answer.body]).toEqual([200, String(20 * CHUNK.length)]);
  });

  it("if the origin sends a 413 before it has read the upload, the client gets that 413", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers(async (request) => {
      await request.body?.cancel();
      return { status: 413, body: "too large" };
    });
    const answer = await p.send({ method: "POST", headers: LENGTH, body: upload(20) });
    expect([answer.status, answer.body]).toEqual([413, "too large"]);
  });
});
