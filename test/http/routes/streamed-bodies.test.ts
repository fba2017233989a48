/** Handlers whose bodies are slow or broken. */
import { getCookie, setCookie } from "hono/cookie";
import { stream } from "hono/streaming";
import { describe, expect, it } from "vitest";
import { cached, definePolicy, key } from "../../../src/index.ts";
import { createTestApp } from "../../support/app.ts";
import { createTestIsolate, uniqueNamespace } from "../../support/isolate.ts";
import { serving, slowBody } from "./slow-bodies.ts";

describe("a cached route whose body arrives slowly", () => {
  it("a client of a cached route gets each part of the body as soon as the handler sends it", async () => {
    const body = slowBody();
    const { open } = serving(() => new Response(body.readable));
    const client = await open();
    for (const part of ["one", "two", "three"]) {
      void body.send(part);
      expect(await client.next()).toBe(part);
    }
    void body.close();
    expect(await client.end()).toBe("");
    expect(client.response.headers.get("X-Cache-Status")).toBe("MISS");
    expect(client.response.headers.get("Cache-Status")).toBe(
      "strata; fwd=uri-miss; fwd-status=200",
    );
  });

  it("a streamed response of a cached route has Cache-Control: private if outer middleware sets a cookie", async () => {
    const body = slowBody();
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.use(async (c, next) => {
        setCookie(c, "session", "1");
        await next();
        void body.send("all");
        void body.close();
      });
      app.get("/thing", cached({ freshFor: "1m" }), () => new Response(body.readable));
    });
    const { headers } = await get("/thing");
    expect(headers.getSetCookie()).toEqual(["session=1; Path=/"]);
    expect(headers.get("Cache-Control")).toBe("max-age=0, must-revalidate, private");
  });

  it("a cached route stores a body of unknown length when the body is complete", async () => {
    const body = slowBody();
    const { open, get, calls } = serving(
      () => new Response(body.readable, { headers: { "Content-Type": "text/html" } }),
    );
    const client = await open();
    void body.send("<p>first</p>");
    await client.next();
    void body.send("<p>last</p>");
    void body.close();
    await client.end();
    const hit = await get("/thing");
    expect(hit.headers.get("X-Cache-Status")).toBe("HIT");
    expect(hit.headers.get("Content-Type")).toBe("text/html");
    expect(hit.body).toBe("<p>first</p><p>last</p>");
    expect(calls()).toBe(1);
  });

  it("a slow body for which another client no longer waits is stored when the body is complete", async () => {
    const bodies = [slowBody(), slowBody()];
    let call = 0;
    const { open, get } = serving(() => new Response(bodies[call++]!.readable));
    const client = await open();
    void bodies[0]!.send("first ");
    await client.next();
    // The follower stops waiting for the first client's load, and calls the handler itself.
    const follower = await open();
    void bodies[1]!.send("other ");
    expect(await follower.next()).toBe("other ");
    void bodies[0]!.send("last");
    void bodies[0]!.close();
    await client.end();
    const hit = await get("/thing");
    expect([hit.headers.get("X-Cache-Status"), hit.body]).toEqual(["HIT", "first last"]);
    expect(call).toBe(2);
    void bodies[1]!.close();
    await follower.end();
  });

  it("the slow body of a cached route does not replace a response that a later load has stored", async () => {
    const slowOne = slowBody();
    let call = 0;
    const { open, get } = serving(() =>
      ++call === 1 ? new Response(slowOne.readable) : new Response("newer"),
    );
    const client = await open();
    void slowOne.send("older");
    await client.next();
    expect((await get("/thing")).body).toBe("newer");
    void slowOne.close();
    await client.end();
    const hit = await get("/thing");
    expect([hit.headers.get("X-Cache-Status"), hit.body]).toEqual(["HIT", "newer"]);
  });

  it("a handler's body that breaks off causes a read error at the client and is not stored", async () => {
    let call = 0;
    const broken = slowBody();
    const { open, get, clock } = serving(() =>
      ++call === 1 ? new Response(broken.readable) : new Response("whole"),
    );
    const client = await open();
    void broken.send("part");
    expect(await client.next()).toBe("part");
    void broken.break();
    await expect(client.next()).rejects.toThrow("connection lost");
    // The pause after a failed load.
    clock.advance(60_000);
    expect((await get("/thing")).body).toBe("whole");
  });

  it("a handler's body that is shorter than its Content-Length is not stored", async () => {
    const { open, calls } = serving(
      () => new Response(slow("part").readable, { headers: { "Content-Length": "100" } }),
    );
    for (let i = 1; i <= 2; i++) {
      await (await open()).end().catch(() => undefined);
      expect(calls()).toBe(i);
    }
  });

  it("a cached route stores a body although the client disconnects before the body is complete", async () => {
    const body = slowBody();
    const { open, get, calls } = serving(() => new Response(body.readable));
    const client = await open();
    void body.send("first ");
    await client.next();
    await client.leave();
    void body.send("last");
    void body.close();
    await client.end();
    const hit = await get("/thing");
    expect([hit.headers.get("X-Cache-Status"), hit.body]).toEqual(["HIT", "first last"]);
    expect(calls()).toBe(1);
  });

  it("a purge of a tag invalidates a streamed response whose handler read data with that tag while it sent the body", async () => {
    const policy = definePolicy({ freshFor: "1h" });
    let calls = 0;
    const { get, layer, clock } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/page", cached({ freshFor: "1h" }), (c) => {
        calls++;
        return stream(c, async (out) => {
          await out.write("head ");
          await out.sleep(30);
          await c.var.strata.cache.read(key("user", 1), policy, async (load) => {
            load.tag("user:1");
            return 1;
          });
          c.var.strata.tag("late");
          await out.write("rest");
        });
      }),
    );
    for (const [i, tag] of ["user:1", "late"].entries()) {
      expect((await get("/page")).body).toBe("head rest");
      expect((await get("/page")).headers.get("X-Cache-Status")).toBe("HIT");
      expect(calls).toBe(i + 1);
      const other = createTestIsolate({ namespace: layer.config.namespace });
      await other.layer.coherence.invalidate([`t:${tag}`], other.request().ctx);
      clock.advance(1_001);
    }
    await get("/page");
    expect(calls).toBe(3);
  });

  it("a second user gets a page of their own if the handler reads the variable `user` while it streams, and the handler sees no cookie", async () => {
    const { get } = createTestApp(uniqueNamespace(), (app) => {
      app.use(async (c, next) => {
        c.set("user" as never, (c.req.header("X-User") ?? "nobody") as never);
        await next();
      });
      app.get("/page", cached({ freshFor: "1h" }), (c) =>
        stream(c, async (out) => {
          await out.write("user ");
          await out.sleep(30);
          await out.write(
            `${c.get("user" as never) as string} ${getCookie(c, "sid") ?? "no cookie"}`,
          );
        }),
      );
    });
    const bodies = [];
    for (const user of ["ada", "bob"])
      bodies.push((await get("/page", { "X-User": user, Cookie: `sid=${user}` })).body);
    expect(bodies).toEqual(["user ada no cookie", "user bob no cookie"]);
  });

  it("a HEAD request to a cached route stores no empty body for a later GET, although the handler answers HEAD without a body", async () => {
    const { get, send, url } = createTestApp(uniqueNamespace(), (app) =>
      app.get("/thing", cached({ freshFor: "1m" }), (c) =>
        c.req.raw.method === "HEAD" ? new Response(null) : new Response("page"),
      ),
    );
    await send(new Request(url("/thing"), { method: "HEAD" }));
    expect((await get("/thing")).body).toBe("page");
  });

  it("a HEAD request to a cached route is answered before the handler's body is complete, and the body is stored", async () => {
    const body = slowBody();
    const { open, get, calls } = serving(() => new Response(body.readable));
    const client = await open({ method: "HEAD" });
    expect(client.response.status).toBe(200);
    void body.send("all");
    void body.close();
    await client.end();
    const hit = await get("/thing");
    expect([hit.headers.get("X-Cache-Status"), hit.body]).toEqual(["HIT", "all"]);
    expect(calls()).toBe(1);
  });
});

function slow(text: string) {
  const body = slowBody();
  setTimeout(() => {
    void body.send(text);
    void body.close();
  }, 30);
  return body;
}
