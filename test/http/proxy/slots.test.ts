/** The slots of the proxy: how many requests may wait for an origin at the same time. */
import { describe, expect, it } from "vitest";
import { definePolicy, key, passThrough } from "../../../src/index.ts";
import { createProxy, type Proxy, type ProxyOptions } from "../../conformance/proxy.ts";
import { createTestApp } from "../../support/app.ts";
import { createGate } from "../../support/gate.ts";
import { uniqueNamespace } from "../../support/isolate.ts";
import { streamOf } from "../../support/streams.ts";

const ONE_SLOT = { slots: 1, slotWait: "20ms" } as const;
const FRESH = { "Cache-Control": "max-age=60" };

function proxyWithOneSlot(options: ProxyOptions = {}): Proxy {
  return createProxy({ sharing: "safe", layer: { proxy: ONE_SLOT }, ...options });
}

/** Takes the only slot with a request that the origin does not answer until `free` is called. */
async function takeSlot(p: Proxy): Promise<{ free: () => Promise<void> }> {
  const gate = createGate();
  p.answers(async () => {
    await gate.pass();
    return { headers: FRESH };
  });
  const holder = p.send({ path: "/hanging" });
  await gate.reached;
  return {
    async free() {
      gate.open();
      await holder;
    },
  };
}

describe("requests that wait for an origin", () => {
  it.each(["GET", "POST"])(
    "while 64 %s requests wait for a proxied origin that hangs, a route that calls cache.read() still answers",
    async (method) => {
      const namespace = uniqueNamespace();
      const gate = createGate();
      const products = definePolicy({ freshFor: "1m", originTimeout: "500ms", flight: "off" });
      let waiting = 0;
      const { get, send } = createTestApp(
        namespace,
        (routes, layer) => {
          routes.get("/products/:id", async (c) => {
            const { cache } = c.var.strata;
            const name = key("product", c.req.param("id"));
            return c.json((await cache.read(name, products, async () => "Ada")).value ?? null);
          });
          routes.all(
            "/origin/*",
            passThrough({
              origin: new URL("http://origin.test"),
              prefix: "/origin",
              invalidator: layer.invalidator,
              async fetch() {
                waiting++;
                await gate.pass();
                return new Response("late");
              },
            }),
          );
        },
        { origin: { slots: 64 } },
      );
      const hanging = Array.from({ length: 64 }, (_, at) =>
        send(new Request(`http://${namespace}.test/origin/${at}`, { method })),
      );
      await expect.poll(() => waiting, { timeout: 10_000 }).toBe(64);
      const read = await get("/products/1");
      expect([read.status, read.body]).toEqual([200, '"Ada"']);
      gate.open();
      for (const { status } of await Promise.all(hanging)) expect(status).toBe(200);
    },
  );

  it.each([
    ["GET", { method: "GET" }],
    ["HEAD", { method: "HEAD" }],
    ["range", { headers: { Range: "bytes=0-1" } }],
    ["POST", { method: "POST", body: "x" }],
    ["WebSocket", { headers: { Upgrade: "websocket" } }],
  ])(
    "a %s request that gets no origin slot is answered with 503 and Retry-After",
    async (_, sending) => {
      const p = proxyWithOneSlot();
      const { free } = await takeSlot(p);
      const { status, headers } = await p.send({ path: "/refused", ...sending });
      expect([status, headers.get("Cache-Status")]).toEqual([503, "strata; detail=saturated"]);
      expect(headers.get("Retry-After")).toMatch(/^[1-4]$/);
      expect(p.seen.length, "requests at the origin").toBe(1);
      await free();
      p.answers({ headers: FRESH });
      expect((await p.get({}, "/refused")).status).toBe(200);
    },
  );

  it("a request that gets an origin slot within the time of the option `slotWait` is answered by the origin", async () => {
    const p = createProxy({ layer: { proxy: { slots: 1, slotWait: "10s" } } });
    const { free } = await takeSlot(p);
    const second = p.get({}, "/second");
    await free();
    expect((await second).status).toBe(200);
  });

  it("a client that does not read its response body holds no origin slot", async () => {
    const p = proxyWithOneSlot();
    p.answers({ headers: FRESH, body: streamOf(1 << 20) }, { headers: FRESH, body: "next" });
    const { response, settle } = await p.open({ path: "/long" });
    expect((await p.get({}, "/next")).body).toBe("next");
    await response.body?.cancel();
    await settle();
  });

  it("a response whose body arrives slowly holds no origin slot", async () => {
    const p = proxyWithOneSlot();
    const gate = createGate();
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        async pull(controller) {
          await gate.pass();
          controller.close();
        },
      });
    p.answers(({ url }) => ({
      headers: FRESH,
      body: url.endsWith("/slow") ? endless() : "next",
    }));
    const slow = p.get({}, "/slow");
    await gate.reached;
    expect((await p.get({}, "/next")).body).toBe("next");
    gate.open();
    expect((await slow).status).toBe(200);
  });

  it("an origin slot is free again after the origin refuses the connection", async () => {
    const p = proxyWithOneSlot();
    p.answers({ fails: true }, { headers: FRESH });
    expect((await p.get({}, "/failing")).status).toBe(502);
    expect((await p.get({}, "/next")).status).toBe(200);
  });

  it("an origin slot is free again after the origin has exceeded the time limit for the header section", async () => {
    const p = proxyWithOneSlot({ headersTimeout: 200 });
    p.answers(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")));
        }),
      { headers: FRESH },
    );
    expect((await p.get({}, "/hanging")).status).toBe(504);
    // A slot that nobody releases is free after 5.2 s. On a busy machine the read of Redis takes part of
    // the 200 ms.
    await expect.poll(async () => (await p.get({}, "/next")).status, { timeout: 4_000 }).toBe(200);
  });

  it("a stale stored response with stale-if-error is served while all origin slots are taken", async () => {
    const p = proxyWithOneSlot();
    p.answers({ headers: { "Cache-Control": "max-age=60, stale-if-error=600" }, body: "stored" });
    await p.get({}, "/stored");
    p.advance(61);
    const { free } = await takeSlot(p);
    const answer = await p.get({}, "/stored");
    expect([answer.status, answer.body, answer.cache]).toEqual([200, "stored", "STALE"]);
    await free();
  });

  it("after four requests got no origin slot, the next request for the same resource is answered by the origin", async () => {
    const p = proxyWithOneSlot();
    const { free } = await takeSlot(p);
    for (let i = 0; i < 4; i++) expect((await p.get({}, "/refused")).status).toBe(503);
    await free();
    p.answers({ headers: FRESH, body: "loaded" });
    expect((await p.get({}, "/refused")).body).toBe("loaded");
  });

  it("the addresses of one IPv6 network take at most half of the origin slots, so that the origin still answers another client", async () => {
    const p = createProxy({ sharing: "safe", layer: { proxy: { slots: 4, slotWait: "20ms" } } });
    const gate = createGate();
    p.answers(async () => {
      await gate.pass();
      return { headers: FRESH };
    });
    const from = (address: string, path: string) =>
      p.get({ "CF-Connecting-IP": address }, path).then(({ status }) => status);
    const hanging = [from("2001:db8::1", "/1"), from("2001:db8::2", "/2")];
    await expect.poll(() => p.seen.length).toBe(2);
    expect(await from("2001:db8::3", "/3"), "the same network").toBe(503);
    p.answers({ headers: FRESH });
    expect(await from("192.0.2.1", "/4")).toBe(200);
    gate.open();
    expect(await Promise.all(hanging)).toEqual([200, 200]);
    expect(await from("2001:db8::3", "/3")).toBe(200);
  });

  it("requests to an origin that hangs take no slots of a second origin in the same application", async () => {
    const namespace = uniqueNamespace();
    const gate = createGate();
    const { get } = createTestApp(
      namespace,
      (routes, { invalidator }) => {
        const mount = (prefix: string, fetch: () => Promise<Response>): void => {
          const origin = new URL(`http:/${prefix}.test`);
          routes.all(`${prefix}/*`, passThrough({ origin, prefix, invalidator, fetch }));
        };
        mount("/hanging", async () => {
          await gate.pass();
          return new Response("late");
        });
        mount("/working", async () => new Response("at once"));
      },
      { proxy: ONE_SLOT },
    );
    const hanging = get("/hanging/a");
    await gate.reached;
    expect((await get("/hanging/b")).status).toBe(503);
    expect((await get("/working/a")).body).toBe("at once");
    gate.open();
    expect((await hanging).body).toBe("late");
  });
});
