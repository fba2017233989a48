import { describe, expect, it } from "vitest";
import { addressIdentity } from "../../src/core/client-address.ts";
import { parseIdentity } from "../../src/ratelimit/inspection.ts";
import { uniqueNamespace } from "../support/isolate.ts";
import { createLimitedApp, type Answer, type LimitedApp } from "./app.ts";

describe("addressIdentity", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    [" 192.0.2.1 ", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::9]", "2001:db8:1:2::/64"],
    ["[::ffff:192.0.2.1]:80", "192.0.2.1"],
  ])("a rate limit counts the client address %j under the identity %s", (text, identity) => {
    expect(addressIdentity(text)).toBe(identity);
  });

  it.each([
    "",
    "abc",
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1::2::3",
    "12345::",
    "::g",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "fe80::1%eth0",
    "[192.0.2.1]",
    "[::1",
    "::1]:443",
    "[::1]443",
    "[::1]:",
    "192.0.2.1:",
    "192.0.2.1:port",
    "192.0.2.1:123456",
    "192.0.2.1:1:2",
  ])("addressIdentity() returns undefined for the text %j, which is not an address", (text) => {
    expect(addressIdentity(text)).toBeUndefined();
  });
});

describe("parseIdentity", () => {
  it("parseIdentity() reads a text with a kind as this kind, an address as an address, and any other text as a user", () => {
    expect(parseIdentity("ip:2001:db8::1")).toEqual({ kind: "ip", value: "2001:db8:0:0::/64" });
    expect(parseIdentity("2001:db8:0:0::/64")).toEqual({ kind: "ip", value: "2001:db8:0:0::/64" });
    expect(parseIdentity("192.0.2.1")).toEqual({ kind: "ip", value: "192.0.2.1" });
    expect(parseIdentity("user:192.0.2.1")).toEqual({ kind: "user", value: "192.0.2.1" });
    expect(parseIdentity("alice")).toEqual({ kind: "user", value: "alice" });
    expect(parseIdentity("endpoint:GET /a/:b")).toEqual({ kind: "endpoint", value: "GET /a/:b" });
    expect(() => parseIdentity("ip:abc")).toThrow("identity: ");
    expect(() => parseIdentity("user:")).toThrow("identity: ");
    expect(() => parseIdentity("x".repeat(300))).toThrow("identity: ");
  });
});

describe("a limit by address", () => {
  const edge = { STRATA_DEV: "" };
  const app = (bindings = {}): LimitedApp =>
    createLimitedApp(
      uniqueNamespace(),
      (hono, rateLimit) => {
        hono.use(rateLimit({ ip: "3/1m" }));
        hono.get("/", (c) => c.text("content"));
      },
      bindings,
    );
  const remainingOf = ({ headers }: Answer): number => Number(headers.get("X-RateLimit-Remaining"));

  it("a rate limit counts a client by CF-Connecting-IP, and not by another header field that the client can send", async () => {
    const { get } = app(edge);
    const spoofs = [
      "X-Forwarded-For",
      "X-Real-IP",
      "True-Client-IP",
      "Forwarded",
      "X-Client-IP",
      "CF-Connecting-IPv6",
      "X-Originating-IP",
    ];
    for (const [i, spoof] of spoofs.entries()) {
      const { status } = await get("/", {
        ip: "192.0.2.1",
        headers: { [spoof]: `198.51.100.${i}` },
      });
      expect(status, spoof).toBe(i < 3 ? 200 : 429);
    }
    expect((await get("/", { ip: "192.0.2.2" })).status).toBe(200);
  });

  it("all addresses of one IPv6 /64 share one rate-limit account", async () => {
    const { get } = app(edge);
    for (let i = 1; i <= 3; i++) await get("/", { ip: `2001:db8:0:1::${i}` });
    expect((await get("/", { ip: "2001:db8:0:1:ffff::1" })).status).toBe(429);
    expect((await get("/", { ip: "2001:db8:0:2::1" })).status).toBe(200);
  });

  it("a rate limit counts a client by the last address of the list in CLIENT_ADDRESS_HEADER", async () => {
    const { get } = app({ ...edge, CLIENT_ADDRESS_HEADER: "X-Forwarded-For" });
    for (let i = 0; i < 3; i++)
      await get("/", { headers: { "X-Forwarded-For": `198.51.100.${i}, 192.0.2.1` } });
    const again = await get("/", {
      ip: "198.51.100.9",
      headers: { "X-Forwarded-For": "198.51.100.9, 192.0.2.1" },
    });
    expect(again.status).toBe(429);
  });

  it("a rate limit counts requests of one address from many ports as one client", async () => {
    for (const host of ["192.0.2.1", "[2001:db8::1]"]) {
      const { get } = app({ ...edge, CLIENT_ADDRESS_HEADER: "X-Client" });
      const statuses: number[] = [];
      for (let port = 4_001; port <= 4_004; port++)
        statuses.push((await get("/", { headers: { "X-Client": `${host}:${port}` } })).status);
      expect(statuses, host).toEqual([200, 200, 200, 429]);
    }
  });

  it("clients from different ports and addresses do not share a rate-limit account", async () => {
    const { get } = app({ ...edge, CLIENT_ADDRESS_HEADER: "X-Client" });
    for (let port = 1; port <= 4; port++)
      await get("/", { headers: { "X-Client": `192.0.2.1:${port}` } });
    expect((await get("/", { headers: { "X-Client": "192.0.2.2:1" } })).status).toBe(200);
  });

  it("a client with a malformed address is refused with 400, and takes no token of another client", async () => {
    const { get } = app({ ...edge, CLIENT_ADDRESS_HEADER: "X-Client" });
    for (const value of ["nonsense", "unknown", "a.example:80", "192.0.2.1, _hidden", ""]) {
      const refused = await get("/", { ip: "192.0.2.9", headers: { "X-Client": value } });
      expect(JSON.parse(refused.body), value).toMatchObject({
        status: 400,
        type: "urn:strata:problem:client-address-unknown",
      });
    }
    expect(remainingOf(await get("/", { headers: { "X-Client": "192.0.2.1" } }))).toBe(2);
    expect(remainingOf(await get("/", { ip: "192.0.2.9" }))).toBe(2);
  });

  it("a client without the field that CLIENT_ADDRESS_HEADER names is counted by CF-Connecting-IP", async () => {
    const { get } = app({ ...edge, CLIENT_ADDRESS_HEADER: "X-Client" });
    for (const remaining of [2, 1, 0])
      expect(remainingOf(await get("/", { ip: "192.0.2.1" }))).toBe(remaining);
    expect((await get("/", { ip: "192.0.2.1" })).status).toBe(429);
    expect((await get("/", { ip: "192.0.2.2" })).status).toBe(200);
  });

  it("a rate-limited request without any client address gets 400", async () => {
    const { get } = app(edge);
    for (let i = 0; i < 4; i++) expect((await get("/")).status).toBe(400);
  });

  it("a rate limit with the option `endpoint`, which counts all clients of a route together, admits a request without a client address", async () => {
    const { get } = createLimitedApp(
      uniqueNamespace(),
      (hono, rateLimit) => {
        hono.use(rateLimit({ endpoint: "3/1m" }));
        hono.get("/", (c) => c.text("content"));
      },
      edge,
    );
    expect((await get("/")).status).toBe(200);
  });

  it("in development, a rate limit does not count requests from this machine, and X-RateLimit-Remaining shows the whole limit", async () => {
    const { get } = app({ STRATA_DEV: "1" });
    for (const ip of [undefined, "127.0.0.1", "::1", undefined, "127.0.0.1"]) {
      const answer = await get("/", ip === undefined ? {} : { ip });
      expect(answer.status).toBe(200);
      expect(remainingOf(answer)).toBe(3);
    }
    expect(remainingOf(await get("/", { ip: "192.0.2.1" }))).toBe(2);
  });
});
