/** The breaker of an HTTP origin behind the proxy. */
import { describe, expect, it } from "vitest";
import { createProxy, type Proxy } from "../../conformance/proxy.ts";

/** The default of the option `breaker.originFailures`. */
const FAILURES = 10;
const FRESH = { headers: { "Cache-Control": "max-age=60" } };

function ask(p: Proxy, client: number, path = `/${client}`, method = "GET") {
  return p.send({ path, method, headers: { "CF-Connecting-IP": `192.0.2.${client}` } });
}

/** Requests of different clients fail until the breaker opens. */
async function breakOrigin(p: Proxy): Promise<void> {
  p.answers({ fails: true });
  for (let client = 1; client <= FAILURES; client++)
    expect((await ask(p, client)).status).toBe(502);
}

describe("an HTTP origin that fails", () => {
  it("after requests of ten clients in a row have failed, the proxy answers 503 with Retry-After and does not ask the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    await breakOrigin(p);
    const asked = p.seen.length;
    for (const method of ["GET", "POST"]) {
      const refused = await ask(p, 50, "/new", method);
      expect(refused.status).toBe(503);
      expect(refused.headers.get("Retry-After")).toBe("1");
      expect(refused.headers.get("Cache-Status")).toContain("detail=open");
      expect(refused.body).toContain("origin-unavailable");
    }
    expect(p.seen.length).toBe(asked);
  });

  it("after the open time one request asks the origin again, and its answer closes the breaker", async () => {
    const p = createProxy({ sharing: "safe" });
    await breakOrigin(p);
    p.answers(FRESH);
    p.advance(1);
    for (const client of [60, 61, 62]) expect((await ask(p, client)).status).toBe(200);
    expect(p.layer.breakers.http.status().state).toBe("closed");
  });

  it("one client whose requests all fail does not open the breaker for other clients", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ fails: true });
    for (let i = 0; i < 5 * FAILURES; i++) await ask(p, 1, `/poison/${i}`);
    p.answers(FRESH);
    expect((await ask(p, 2)).status).toBe(200);
    expect(p.layer.breakers.http.status().state).toBe("closed");
  });

  it("requests with a body that fail do not open the breaker, since clients may have broken off the body", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ fails: true });
    for (let client = 1; client <= 2 * FAILURES; client++)
      await p.send({
        path: "/upload",
        method: "POST",
        body: "content",
        headers: { "CF-Connecting-IP": `192.0.2.${client}` },
      });
    p.answers(FRESH);
    expect((await ask(p, 99)).status).toBe(200);
  });

  it("error responses of the origin do not open the breaker, and go to the client as they are", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ status: 503, body: "maintenance" });
    for (let client = 1; client <= 2 * FAILURES; client++)
      expect((await ask(p, client)).body).toBe("maintenance");
  });

  it("while the breaker of an origin is open, a stored response that is stale is served on error", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({
      headers: { "Cache-Control": "max-age=1, stale-if-error=600" },
      body: "stored",
    });
    await ask(p, 1, "/kept");
    await breakOrigin(p);
    p.advance(0.9);
    const asked = p.seen.length;
    p.advance(0.05);
    expect((await ask(p, 2, "/fresh-miss")).status).toBe(503);
    expect(p.seen.length).toBe(asked);
    p.advance(0.06);
    expect((await ask(p, 3, "/kept")).body).toBe("stored");
  });
});
