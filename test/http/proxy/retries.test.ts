import { describe, expect, it } from "vitest";
import { createProxy } from "../../conformance/proxy.ts";

const LOST = "Network connection lost.";

describe("a request whose connection the origin has closed", () => {
  it.each(["GET", "HEAD"])(
    "a %s request whose connection to the origin is lost is sent a second time",
    async (method) => {
      const p = createProxy();
      p.answers({ fails: LOST }, { headers: { "X-Try": "2" } });
      const answer = await p.send({ method });
      expect([answer.status, answer.headers.get("X-Try"), p.seen.length]).toEqual([200, "2", 2]);
    },
  );

  it("a GET whose connection to the origin is lost twice is not sent a third time", async () => {
    const p = createProxy();
    p.answers({ fails: LOST });
    expect((await p.get()).status).toBe(502);
    expect(p.seen.length).toBe(2);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])(
    "a %s request whose connection to the origin is lost is not sent again",
    async (method) => {
      const p = createProxy();
      p.answers({ fails: LOST }, {});
      expect((await p.send({ method })).status).toBe(502);
      expect(p.seen.length).toBe(1);
    },
  );

  it("the proxy does not send a GET again if the origin refuses the connection, or if the body fails after the header section", async () => {
    const p = createProxy();
    p.answers({ fails: true }, {});
    expect((await p.get()).status).toBe(502);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error(LOST)),
    });
    p.answers({ headers: { "Cache-Control": "max-age=9", "Content-Length": "5" }, body }, {});
    expect((await p.get({}, "/y")).status).toBe(502);
    expect(p.seen.length).toBe(2);
  });

  it("while all connections to the origin are lost, the proxy sends 11 to 15 of 50 GET requests a second time", async () => {
    // The breaker would stop the requests after 10 failures.
    const p = createProxy({ layer: { breaker: { originFailures: 1_000, minCalls: 1_000 } } });
    p.answers({ fails: LOST });
    for (let i = 0; i < 50; i++) await p.get({}, `/fails/${i}`);
    // 10 retries at once, and one for every 10 requests.
    expect(p.seen.length).toBeLessThanOrEqual(50 + 10 + 5);
    expect(p.seen.length).toBeGreaterThan(50 + 10);
  });
});
