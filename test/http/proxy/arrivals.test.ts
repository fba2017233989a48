import { describe, expect, it } from "vitest";
import { createProxy, type Proxy, type Scripted } from "../../conformance/proxy.ts";

const FRESH = { "Cache-Control": "max-age=3600" };

/** A response whose body the test ends. */
function arriving(headers: Scripted["headers"] = FRESH, first = "first ") {
  const { promise: released, resolve: release } = Promise.withResolvers<"close" | "break">();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(first));
      if ((await released) === "break") controller.error(new Error("connection lost"));
      else {
        controller.enqueue(new TextEncoder().encode("last"));
        controller.close();
      }
    },
  });
  return { scripted: { headers, body }, release };
}

/** Opens a response and reads what has arrived of it. */
async function begin(p: Proxy, headers: Record<string, string> = {}) {
  const { response, settle } = await p.open({ headers, host: "a.test" });
  const reader = response.body?.getReader();
  const read = async () => new TextDecoder().decode((await reader?.read())?.value);
  const rest = async () => {
    let text = "";
    for (let part = await read(); part !== ""; part = await read()) text += part;
    await settle();
    return text;
  };
  return { response, read, rest };
}

/** Whether a promise has a value within 50 ms. */
const soon = <T>(promise: Promise<T>) =>
  Promise.race([
    promise,
    new Promise<"waits">((resolve) => setTimeout(() => resolve("waits"), 50)),
  ]);

describe("a second client of a response whose body is still arriving", () => {
  it.each([{}, { Vary: "Foo" }])(
    "a second client reads the body while it is still arriving from the origin, if the response also has the fields %j",
    async (vary) => {
      const p = createProxy({ sharing: "safe" });
      const { scripted, release } = arriving({ ...FRESH, ...vary });
      p.answers(scripted);
      const first = await begin(p);
      expect(await first.read()).toBe("first ");
      const second = await begin(p);
      expect(await second.read()).toBe("first ");
      expect(second.response.headers.get("Cache-Status")).toBe(
        "strata; fwd=uri-miss; fwd-status=200; collapsed",
      );
      release("close");
      expect([await first.rest(), await second.rest()]).toEqual(["last", "last"]);
      expect((await p.send({ host: "a.test" })).cache).toBe("HIT");
      expect(p.seen.length).toBe(1);
    },
  );

  it("a second client that asked before the origin sent the header section reads the body while it is still arriving from the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    p.answers(async () => (await answered, scripted));
    const opening = [begin(p), begin(p), begin(p)];
    while (p.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    answer();
    const clients = await Promise.all(opening);
    for (const client of clients) expect(await client.read()).toBe("first ");
    release("close");
    for (const client of clients) expect(await client.rest()).toBe("last");
    expect(p.seen.length).toBe(1);
  });

  it("a second client of a response whose body is still arriving gets the whole body although the first client reads nothing", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving(FRESH, "x".repeat(1 << 20));
    p.answers(scripted);
    await begin(p);
    const second = await begin(p);
    release("close");
    expect((await second.rest()).length).toBe((1 << 20) + 4);
  });

  it("two clients that read one arriving body both get an error if the body from the origin breaks off", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving();
    p.answers(scripted);
    const clients = [await begin(p), await begin(p)];
    release("break");
    for (const client of clients) await expect(client.rest()).rejects.toThrow("connection lost");
    expect(p.seen.length).toBe(1);
  });

  it("if a POST invalidates a response while its body is still arriving, a second client gets a new response from the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving();
    p.answers(scripted);
    const first = await begin(p);
    p.answers({ status: 204 });
    await p.send({ method: "POST", host: "a.test" });
    p.answers({ headers: FRESH, body: "new" });
    const second = begin(p);
    expect(await soon(second)).toBe("waits");
    release("close");
    await first.rest();
    expect(await (await second).rest()).toBe("new");
  });

  it.each([{ Range: "bytes=0-1" }, { "If-None-Match": '"a"' }])(
    "a request with %j does not get the body of another request while that body is still arriving from the origin",
    async (headers) => {
      const p = createProxy({ sharing: "safe" });
      const { scripted, release } = arriving({ ...FRESH, ETag: '"a"' });
      p.answers(scripted, { headers: FRESH, body: "own" });
      const first = await begin(p);
      const second = begin(p, headers);
      await soon(second);
      release("close");
      expect(await first.rest()).toBe("first last");
      expect((await second).response.headers.get("Cache-Status")).not.toContain(
        "fwd-status=200; collapsed",
      );
    },
  );

  it("while Redis does not answer, a second client that reads a body which began to arrive before the coherence bound gets it marked as unreachable", async () => {
    const p = createProxy({
      sharing: "safe",
      bindings: { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1" },
    });
    const { scripted, release } = arriving();
    p.answers(scripted);
    const first = await begin(p);
    expect(await first.read()).toBe("first ");
    p.advance(1.1);
    const second = await begin(p);
    expect(second.response.headers.get("Cache-Status")).toBe(
      "strata; fwd=uri-miss; fwd-status=200; collapsed; unreachable",
    );
    release("close");
    expect([await first.rest(), await second.rest()]).toEqual(["last", "first last"]);
  });

  it("while one variant of a response is still arriving from the origin, a client that asks for another variant gets that other variant", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving({ ...FRESH, Vary: "Foo" });
    p.answers(scripted, { headers: { ...FRESH, Vary: "Foo" }, body: "other" });
    const first = await begin(p, { Foo: "1" });
    const second = begin(p, { Foo: "2" });
    await soon(second);
    release("close");
    expect(await first.rest()).toBe("first last");
    expect(await (await second).rest()).toBe("other");
  });

  it("while the body of a private response is still arriving, a second client gets a response of its own", async () => {
    const p = createProxy({ sharing: "safe" });
    const { scripted, release } = arriving({ "Cache-Control": "private" });
    p.answers(scripted, { headers: { "Cache-Control": "private" }, body: "own" });
    const first = await begin(p);
    expect(await (await begin(p)).rest()).toBe("own");
    release("close");
    expect(await first.rest()).toBe("first last");
  });
});
