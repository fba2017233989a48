import { describe, expect, it } from "vitest";
import { cached, definePolicy, key, respond } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { uniqueNamespace } from "../../support/isolate.ts";

describe("cached()", () => {
  it("a cached route answers the first request as a miss and the second from memory", async () => {
    let calls = 0;
    const { get } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/thing/:id", cached({ freshFor: "1m" }), (c) => {
        calls++;
        return c.json({ id: c.req.param("id") }, 200, { "X-Own": "kept" });
      }),
    );

    const first = await get("/thing/1");
    const second = await get("/thing/1");

    expect(calls).toBe(1);
    expect(first.headers.get("X-Cache-Status")).toBe("MISS");
    expect(first.headers.get("Cache-Status")).toBe("strata; fwd=uri-miss; fwd-status=200; stored");
    expect(second.headers.get("X-Cache-Status")).toBe("HIT");
    expect(second.headers.get("Cache-Status")).toMatch(/^strata; hit; ttl=\d+; detail=memory$/);
    expect(second.body).toBe(first.body);
    for (const { headers } of [first, second]) {
      expect(headers.get("Content-Type")).toContain("application/json");
      expect(headers.get("X-Own")).toBe("kept");
      expect(headers.get("Age")).toMatch(/^\d+$/);
      expect(headers.get("Cache-Control")).toBe("max-age=0, must-revalidate");
      expect(headers.get("X-Response-Time")).toMatch(/^\d+ms$/);
      expect(headers.get("Server-Timing")).toMatch(/total;dur=\d+$/);
    }
    expect(second.headers.get("ETag")).toBe(first.headers.get("ETag"));
  });

  it("a cached route answers 304 to a client with the current entity tag, on a hit and on a miss", async () => {
    const namespace = uniqueNamespace();
    const { get, clock } = createTestApp(namespace, (app) =>
      app.get("/thing", cached({ freshFor: "1m", jitter: 0 }), (c) => c.json({ same: true })),
    );
    const { headers } = await get("/thing");
    const etag = headers.get("ETag") ?? "";

    const hit = await get("/thing", { "If-None-Match": `"other", W/${etag}` });
    expect(hit.status).toBe(304);
    expect(hit.body).toBe("");
    expect(hit.headers.get("ETag")).toBe(etag);
    expect(hit.headers.get("Content-Type")).toBeNull();

    clock.advance(61_000);
    const miss = await get("/thing", { "If-None-Match": etag });
    expect(miss.status).toBe(304);
    expect(miss.headers.get("X-Cache-Status")).toBe("MISS");
  });

  it("Cache-Status says fwd=stale if a load replaces a stale response, and fwd=uri-miss if no response was stored", async () => {
    const { get, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/thing", cached({ freshFor: "1m", staleIfError: "1h", jitter: 0 }), (c) =>
        c.json({ at: clock.now() }),
      ),
    );
    const statusOf = async () => (await get("/thing")).headers.get("Cache-Status");
    expect(await statusOf()).toBe("strata; fwd=uri-miss; fwd-status=200; stored");
    clock.advance(61_000);
    expect(await statusOf()).toBe("strata; fwd=stale; fwd-status=200; stored");
    expect(await statusOf()).toMatch(/^strata; hit; /);
  });

  it("a cached route stores a 404 for the time in its option `negativeFor`", async () => {
    let calls = 0;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/gone", cached({ freshFor: "1h", negativeFor: "10s", jitter: 0 }), (c) => {
        calls++;
        return c.json({ error: "no such thing" }, 404);
      }),
    );

    expect((await get("/gone")).status).toBe(404);
    const again = await get("/gone");
    expect(again.status).toBe(404);
    expect(again.body).toBe('{"error":"no such thing"}');
    expect(again.headers.get("X-Cache-Status")).toBe("HIT");
    expect(calls).toBe(1);

    clock.advance(10_001);
    await get("/gone");
    expect(calls).toBe(2);
  });

  it.each([
    ["sets a cookie", { "Set-Cookie": "session=1" }],
    ["is private", { "Cache-Control": "private, max-age=60" }],
    ["must not be stored", { "Cache-Control": "No-Store" }],
    ["varies by everything", { Vary: "*" }],
  ])(
    "a cached route does not store a response that %s, and calls its handler again for the next request",
    async (_, headers) => {
      let calls = 0;
      const { get } = createTestApp(uniqueNamespace(), (app) =>
        app.get("/own", cached({ freshFor: "1m" }), (c) => c.json({ call: ++calls }, 200, headers)),
      );

      const first = await get("/own");
      const second = await get("/own");

      expect([first.body, second.body]).toEqual(['{"call":1}', '{"call":2}']);
      expect(second.headers.get("X-Cache-Status")).toBe("BYPASS");
    },
  );

  it("a cached route serves the stale response during a background refresh, and the new response afterwards", async () => {
    let calls = 0;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/swr", cached({ freshFor: "10s", staleWhileRevalidate: "1m", jitter: 0 }), (c) =>
        c.json({ call: ++calls, authorization: c.req.header("Authorization") ?? null }),
      ),
    );
    await get("/swr");
    clock.advance(10_001);

    const stale = await get("/swr", { Authorization: "Bearer mine", Cookie: "mine=1" });
    expect(stale.body).toBe('{"call":1,"authorization":null}');
    expect(stale.headers.get("X-Cache-Status")).toBe("STALE");
    const fresh = await get("/swr");
    expect(fresh.body).toBe('{"call":2,"authorization":null}');
    expect(fresh.headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a cached route serves the stale response while the handler fails, until the time in the option `staleIfError` is over", async () => {
    let failing = false;
    const { get, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/sie", cached({ freshFor: "10s", staleIfError: "1m", jitter: 0 }), (c) => {
        if (failing) throw new Error("origin is away");
        return c.json({ ok: true });
      }),
    );
    await get("/sie");
    failing = true;
    clock.advance(10_001);

    const stale = await get("/sie");
    expect(stale.status).toBe(200);
    expect(stale.body).toBe('{"ok":true}');
    expect(stale.headers.get("X-Cache-Status")).toBe("STALE");
    expect(stale.headers.get("Cache-Status")).toContain("detail=stale-on-error");

    clock.advance(60_000);
    const failed = await get("/sie");
    expect(failed.status).toBe(503);
    expect(failed.body).toContain("origin is away");
  });

  it("a cached route answers HEAD from the stored response to a GET", async () => {
    const { send } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/thing", cached({ freshFor: "1m" }), (c) => c.json({ ok: true })),
    );
    const { headers } = await send(new Request("http://x.test/thing"));
    const head = await send(new Request("http://x.test/thing", { method: "HEAD", headers: {} }));
    expect(head.status).toBe(200);
    expect(head.body).toBe("");
    expect(head.headers.get("ETag")).toBe(headers.get("ETag"));
    expect(head.headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a purge of a tag invalidates the stored response of a cached route whose handler read data with that tag", async () => {
    const policy = definePolicy({ freshFor: "1h" });
    let name = "Ada";
    const { get, layer, clock } = createTestApp(uniqueNamespace(), (app) => {
      app.get("/page", cached({ freshFor: "1h" }), async (c) => {
        const user = await c.var.strata.cache.read(key("user", 1), policy, async (load) => {
          load.tag("user:1");
          return { name };
        });
        return c.json({ hello: user.value });
      });
      app.get("/user", async (c) =>
        respond(c, await c.var.strata.cache.read(key("user", 1), policy, async () => ({ name }))),
      );
    });
    expect((await get("/page")).body).toBe('{"hello":{"name":"Ada"}}');
    name = "Grace";
    expect((await get("/page")).body).toContain("Ada");

    const { createTestIsolate } = await import("../../support/isolate.ts");
    const writer = createTestIsolate({ namespace: layer.config.namespace });
    await writer.layer.coherence.invalidate(["t:user:1"], writer.request().ctx);
    clock.advance(1_001);

    expect((await get("/page")).body).toBe('{"hello":{"name":"Grace"}}');
    const user = await get("/user");
    expect(user.body).toBe('{"name":"Grace"}');
    expect(user.headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a cached route stores binary bodies unchanged in every tier", async () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
    const namespace = uniqueNamespace();
    const build = () =>
      createTestApp(namespace, (app) =>
        app.get("/bin", cached({ freshFor: "1m" }), (c) => c.body(bytes.buffer)),
      );
    const one = build();
    const two = build();
    await one.get("/bin");
    for (const { app } of [one, two]) {
      const { createExecutionContext, waitOnExecutionContext } = await import("cloudflare:test");
      const execution = createExecutionContext();
      const response = await app.fetch(new Request(`http://${namespace}.test/bin`), {}, execution);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
      await waitOnExecutionContext(execution);
    }
  });

  it.each([
    ["freshFor", { freshFor: "soon" as never }],
    ["freshFor", { freshFor: 0 }],
    ["staleIfError", { freshFor: "1m", staleIfError: -1 }],
    ["jitter", { freshFor: "1m", jitter: 2 }],
    ["tags", { freshFor: "1m", tags: [""] }],
  ] as const)(
    "cached() throws an error that names %s if the value of that option is invalid",
    (field, options) => {
      expect(() => cached(options)).toThrow(field);
    },
  );
});
