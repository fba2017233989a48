import { describe, expect, it } from "vitest";
import { createBodyReader } from "../../../src/http/routes/body-reader.ts";

/** A body of which one part after the other arrives. */
function arriving() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  return {
    body: readable,
    send: (bytes: number) => writer.write(new Uint8Array(bytes)).catch(() => undefined),
    end: () => void writer.close().catch(() => undefined),
    fail: () => void writer.abort("gone"),
  };
}

const bodyOf = (bytes: number) => new Response(new Uint8Array(bytes)).body;
const lengthOf = (read: Uint8Array | string) => (typeof read === "string" ? read : read.length);
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe("createBodyReader", () => {
  it("a body over its own limit is too large, and others are read as a whole", async () => {
    const read = createBodyReader(100);
    expect(await read(null, 50)).toHaveLength(0);
    expect(await read(bodyOf(51), 50)).toBe("too-large");
    expect(lengthOf(await read(bodyOf(50), 50))).toBe(50);
  });

  it("bodies that stall are given up for a newer body, the oldest first, and never answer with a part of theirs", async () => {
    const read = createBodyReader(100);
    const stalled = [arriving(), arriving(), arriving()];
    const readings = stalled.map(({ body }) => read(body, 50));
    for (const each of stalled) {
      void each.send(40);
      await turn();
    }
    expect(lengthOf(await read(bodyOf(50), 50))).toBe(50);
    for (const each of stalled) {
      void each.send(1);
      each.end();
    }
    expect((await Promise.all(readings)).map(lengthOf)).toEqual(["given-up", "given-up", 41]);
  });

  it("a body that never ends, as of an invocation that the platform has ended, takes no room for good", async () => {
    const read = createBodyReader(100);
    for (let i = 0; i < 20; i++) {
      const { body, send } = arriving();
      void read(body, 50);
      void send(49);
      await turn();
    }
    expect(lengthOf(await read(bodyOf(50), 50))).toBe(50);
  });

  it("a body that is larger than all bodies may be together is read if its own limit allows it", async () => {
    expect(lengthOf(await createBodyReader(100)(bodyOf(300), 300))).toBe(300);
  });

  it("a body whose client leaves rejects, and takes no room any more", async () => {
    const read = createBodyReader(100);
    const leaving = arriving();
    const reading = read(leaving.body, 100);
    void leaving.send(60);
    await turn();
    leaving.fail();
    await expect(reading).rejects.toBeDefined();
    expect(lengthOf(await read(bodyOf(100), 100))).toBe(100);
  });

  it("the copy of an answer that is too large ends although nobody reads the answer", async () => {
    const read = createBodyReader(100);
    const { body, send } = arriving();
    const answer = new Response(body);
    const copy = read(answer.clone().body, 50);
    void send(40);
    void send(40);
    expect(await copy).toBe("too-large");
  });
});
