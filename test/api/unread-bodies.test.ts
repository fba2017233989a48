import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf } from "./client.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const CHUNK = new Uint8Array(8_192).fill(0x20);

/** A body without Content-Length that counts how often it is asked for a part. */
function countedBody(parts: number) {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled++;
        if (pulled > parts) controller.close();
        else controller.enqueue(CHUNK);
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled };
}

/** A body whose client leaves after the first part. */
function brokenBody(): ReadableStream<Uint8Array> {
  let pulled = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (pulled++ === 0) controller.enqueue(CHUNK);
        else controller.error(new Error("Network connection lost."));
      },
    },
    { highWaterMark: 0 },
  );
}

describe("bodies that are not read", () => {
  it.each([
    ["POST", "/products", 401],
    ["PUT", "/products/1", 401],
    ["PATCH", "/products/1/stock", 401],
    ["DELETE", "/products/1", 401],
    ["POST", "/admin/purge", 401],
    ["POST", "/admin/warm", 401],
    ["POST", "/nothing", 404],
    ["POST", "/users/1", 405],
  ])(
    "%s %s without an admin token is refused before the API reads the request body",
    async (method, path, status) => {
      const { body, pulled } = countedBody(20);
      const response = await createClient().send(path, { method, headers: JSON_TYPE, body });
      expect(response.status).toBe(status);
      expect(pulled()).toBe(0);
    },
  );

  it("the API rejects a request over the rate limit, and does not read the request body", async () => {
    const client = createClient();
    const headers = { ...JSON_TYPE, "CF-Connecting-IP": "192.0.2.1" };
    for (let i = 0; i < 60; i++) await client.send("/products", { method: "POST", headers });
    const { body, pulled } = countedBody(20);
    const refused = await client.send("/products", { method: "POST", headers, body });
    expect(refused.status).toBe(429);
    expect(pulled()).toBe(0);
  });

  it("the API rejects a request with a Content-Length over 64 KiB, and does not read the body", async () => {
    const { body, pulled } = countedBody(20);
    const headers = { ...ADMIN, ...JSON_TYPE, "Content-Length": String(20 * CHUNK.length) };
    const response = await createClient().send("/products", { method: "POST", headers, body });
    expect((await problemOf(response)).type).toBe("urn:strata:problem:body-too-large");
    expect(pulled()).toBe(0);
  });

  it("the API stops reading a body without Content-Length as soon as the body exceeds 64 KiB", async () => {
    const { body, pulled } = countedBody(20);
    const headers = { ...ADMIN, ...JSON_TYPE };
    const response = await createClient().send("/products", { method: "POST", headers, body });
    expect((await problemOf(response)).type).toBe("urn:strata:problem:body-too-large");
    expect(pulled()).toBe(9);
  });

  it("a request whose client disconnects before it has sent the whole body gets a 499 and not a 500", async () => {
    const headers = { ...ADMIN, ...JSON_TYPE };
    for (const [method, path] of [
      ["POST", "/products"],
      ["POST", "/admin/purge"],
    ] as const) {
      const response = await createClient().send(path, { method, headers, body: brokenBody() });
      expect(await problemOf(response)).toMatchObject({
        status: 499,
        type: "urn:strata:problem:client-closed",
      });
    }
  });

  it("a body that arrives at once is read although 20 clients have stalled in theirs, and the first of those get a 503 `too-many-bodies` with Retry-After", async () => {
    const { send } = createClient();
    const init = (body: BodyInit): RequestInit => ({
      method: "POST",
      headers: { ...ADMIN, ...JSON_TYPE },
      body,
    });
    const slow = Array.from({ length: 20 }, () => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      void writer.write(new Uint8Array(65_535).fill(0x20)).catch(() => undefined);
      return { answer: send("/products", init(readable)), end: () => void writer.close() };
    });
    expect((await send("/products", init(" ".repeat(65_536)))).status).toBe(400);
    for (const { end } of slow) end();
    const answers = await Promise.all(slow.map(({ answer }) => answer));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThanOrEqual(4);
    expect(answers.slice(0, refused.length)).toEqual(refused);
    expect(refused[0]?.headers.get("Retry-After")).toBe("1");
    expect(await problemOf(refused[0]!)).toMatchObject({
      type: "urn:strata:problem:too-many-bodies",
    });
    expect(answers.at(-1)?.status).toBe(400);
  });
});
