/** Attack: a client provokes an error, and other clients get it. */
import { describe, expect, it } from "vitest";
import { createProxy, type Answer } from "../../../conformance/proxy.ts";
import { watchFlights } from "../../../support/flights.ts";
import { createGate } from "../../../support/gate.ts";

const STATUSES = [
  400, 401, 403, 405, 406, 407, 408, 411, 412, 413, 414, 415, 416, 417, 421, 425, 426, 428, 429,
  431, 500, 501, 502, 503, 504, 511,
];
const ADDRESS = "CF-Connecting-IP";

describe("a status that a client can provoke", () => {
  it.each(STATUSES)("a %d response with max-age is not sent to another client", async (status) => {
    const p = createProxy({ sharing: "safe" });
    p.answers((request) =>
      request.headers.has("X-Bad")
        ? { status, headers: { "Cache-Control": "public, max-age=600" }, body: "error" }
        : { body: "fine" },
    );
    expect((await p.get({ "X-Bad": "1" })).status).toBe(status);
    const other = await p.get();
    expect([other.status, other.body]).toEqual([200, "fine"]);
  });

  it("after a 401 with max-age to a client without credentials, a client with Authorization gets the origin's own response", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers((request) =>
      request.headers.has("Authorization")
        ? { body: "fine" }
        : { status: 401, headers: { "Cache-Control": "max-age=600" } },
    );
    expect((await p.get()).status).toBe(401);
    expect((await p.get({ Authorization: "Bearer x" })).body).toBe("fine");
  });

  it.each([404, 410, 301])("in safe mode, a %d response with max-age is stored", async (status) => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ status, headers: { "Cache-Control": "max-age=600" } });
    await p.get();
    expect((await p.get()).cache).toBe("HIT");
  });

  it("after a 503 with no-store, the proxy still serves the stale stored response while the origin is down", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ headers: { "Cache-Control": "max-age=1", ETag: '"a"' }, body: "page" });
    await p.get();
    p.advance(2);
    p.answers({ status: 503, headers: { "Cache-Control": "no-store" }, body: "error" });
    expect((await p.get()).body).toBe("error");
    p.answers({ fails: true });
    expect((await p.get()).body).toBe("page");
  });
});

describe("a failure that one request provokes", () => {
  it("after five failed requests of one client, the request of another client for the same resource still reaches the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers((request) => (request.headers.has("X-Huge") ? { fails: true } : { body: "fine" }));
    for (let count = 0; count < 5; count++)
      expect((await p.get({ "X-Huge": "1", [ADDRESS]: "203.0.113.1" })).status).toBe(502);
    const other = await p.get({ [ADDRESS]: "203.0.113.2" });
    expect([other.status, other.body]).toEqual([200, "fine"]);
  });

  it("the proxy identifies a client by the last address in the request field that the option `clientAddressHeader` names", async () => {
    const p = createProxy({ sharing: "safe", clientAddressHeader: "X-Client" });
    p.answers((request) => (request.headers.has("X-Huge") ? { fails: true } : { body: "fine" }));
    for (let count = 0; count < 5; count++)
      await p.get({ "X-Huge": "1", "X-Client": `192.0.2.${count}, 203.0.113.1` });
    expect((await p.get({ "X-Client": "203.0.113.2" })).body).toBe("fine");
  });

  it("five failed requests from one IPv6 network are the failures of one client, so that another client still reaches the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers((request) => (request.headers.has("X-Huge") ? { fails: true } : { body: "fine" }));
    for (let count = 1; count < 6; count++)
      await p.get({ "X-Huge": "1", [ADDRESS]: `2001:db8:1:2:${count}::1` });
    expect((await p.get({ [ADDRESS]: "2001:db8:9::1" })).body).toBe("fine");
  });

  it.each(["203.0.113.1:", "[2001:db8:1:2::1]:"])(
    "five failed requests from different ports of %s are the failures of one client, so that another client still reaches the origin",
    async (host) => {
      const p = createProxy({ sharing: "safe", clientAddressHeader: "X-Client" });
      p.answers((request) => (request.headers.has("X-Huge") ? { fails: true } : { body: "fine" }));
      for (let port = 4_001; port < 4_006; port++)
        await p.get({ "X-Huge": "1", "X-Client": `${host}${port}` });
      expect((await p.get({ "X-Client": "203.0.113.2:4001" })).body).toBe("fine");
    },
  );

  it("if another client's load fails, the requests that waited for it are answered by loads of their own", async () => {
    const p = createProxy({ sharing: "safe" });
    const gate = createGate();
    p.answers(async (request) => {
      await gate.pass();
      return request.headers.has("X-Huge") ? { fails: true } : { body: "fine" };
    });
    const attack = p.get({ "X-Huge": "1", [ADDRESS]: "203.0.113.1" });
    await expect.poll(() => p.seen.length, { interval: 5 }).toBe(1);
    const others = Array.from({ length: 5 }, (_, index) =>
      p.get({ [ADDRESS]: `203.0.113.${index + 2}` }),
    );
    gate.open();
    expect((await attack).status).toBe(502);
    const bodies = (await Promise.all(others)).map(({ body }: Answer) => body);
    expect(new Set(bodies)).toEqual(new Set(["fine"]));
  });

  it("if the load in one isolate fails, a request that waited for it in another isolate is answered by a load of its own", async () => {
    const flights = watchFlights();
    const here = createProxy({ sharing: "safe", bindings: { FLIGHTS: flights.FLIGHTS } });
    const there = here.sibling();
    here.answers({ headers: { "Cache-Control": "max-age=10, must-revalidate", ETag: '"a"' } });
    await here.get();
    await there.get();
    here.advance(11);
    const gate = createGate();
    here.answers(async (request) => {
      await gate.pass();
      return request.headers.has("X-Huge") ? { fails: true } : { body: "fine" };
    });
    const attack = here.get({ "X-Huge": "1", [ADDRESS]: "203.0.113.1" });
    await expect.poll(() => here.seen.length, { interval: 5 }).toBe(2);
    const other = there.get({ [ADDRESS]: "203.0.113.2" });
    await flights.joined(2);
    gate.open();
    expect([(await attack).status, (await other).body]).toEqual([502, "fine"]);
  });

  it("after failed loads of several clients in a row, the next client gets a 502 without a request to the origin", async () => {
    const p = createProxy({ sharing: "safe" });
    p.answers({ fails: true });
    for (let count = 1; count <= 8; count++) await p.get({ [ADDRESS]: `203.0.113.${count}` });
    const asked = p.seen.length;
    expect((await p.get({ [ADDRESS]: "203.0.113.99" })).status).toBe(502);
    expect([asked < 8, p.seen.length]).toEqual([true, asked]);
    p.advance(2);
    p.answers({ body: "fine" });
    expect((await p.get({ [ADDRESS]: "203.0.113.99" })).body).toBe("fine");
  });
});
