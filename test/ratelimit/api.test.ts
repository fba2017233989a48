import { describe, expect, it } from "vitest";
import { ADMIN, createClient, problemOf, type Client } from "../api/client.ts";

const from = (ip: string, more: Record<string, string> = {}): RequestInit => ({
  headers: { "CF-Connecting-IP": ip, ...more },
});

async function admitted(
  client: Client,
  times: number,
  path: string,
  init: RequestInit,
): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, () => client.send(path, init)));
  return answers.filter(({ status }) => status !== 429).length;
}

describe("the limits of the reference API", () => {
  it("the reference API admits exactly 100 requests a minute from one address, and still admits requests from another address", async () => {
    const client = createClient();
    expect(await admitted(client, 160, "/products/1", from("192.0.2.1"))).toBe(100);
    const refused = await client.send("/products/1", from("192.0.2.1"));
    const problem = await problemOf(refused);
    expect(problem).toMatchObject({ status: 429, type: "urn:strata:problem:rate-limit-exceeded" });
    expect(problem).toHaveProperty("violated-policies", ["api-ip"]);
    expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(60);
    expect((await client.send("/products/1", from("192.0.2.2"))).status).toBe(200);
  });

  it("the reference API admits exactly 1,000 requests an hour from one user at several addresses", async () => {
    const client = createClient();
    let passed = 0;
    for (let address = 1; address <= 11; address++)
      passed += await admitted(
        client,
        95,
        "/categories",
        from(`192.0.2.${address}`, { "X-API-Key": "key-of-a-user" }),
      );
    expect(passed).toBe(1_000);
  });

  it("the reference API limits the writes of an address to 60 a minute, and counts its admin requests separately", async () => {
    const client = createClient();
    const write = {
      method: "POST",
      ...from("192.0.2.1", { "Content-Type": "application/json" }),
      body: "{",
    };
    expect(await admitted(client, 80, "/products", write)).toBe(60);
    expect((await client.send("/products/1", from("192.0.2.1"))).status).toBe(200);
    const operator = from("192.0.2.1", ADMIN);
    const info = await client.send("/admin/limits/192.0.2.1", operator);
    expect(info.headers.get("RateLimit-Policy")).toBe('"admin-ip";q=60;w=60');
    expect(await info.json()).toMatchObject({
      identity: "ip:192.0.2.1",
      limits: [
        { policy: "api-ip", limit: 100, remaining: 39 },
        { policy: "writes-ip", limit: 60, remaining: 0 },
        { policy: "chat-ip", limit: 60, remaining: 60 },
        { policy: "admin-ip", limit: 60, remaining: 59 },
        { policy: "health-ip", limit: 120, remaining: 120 },
        { policy: "pages-ip", limit: 300, remaining: 300 },
        { policy: "admin-guesses-ip", limit: 10, remaining: 10 },
      ],
    });
  });

  it("after DELETE /admin/limits/:identity, the rate limit admits a refused address again", async () => {
    const client = createClient();
    await admitted(client, 120, "/products/1", from("192.0.2.1"));
    expect((await client.send("/products/1", from("192.0.2.1"))).status).toBe(429);
    const reset = await client.send("/admin/limits/ip:192.0.2.1", {
      method: "DELETE",
      headers: ADMIN,
    });
    expect(reset.status).toBe(200);
    expect((await client.send("/products/1", from("192.0.2.1"))).status).toBe(200);
  });

  it("/admin/limits/:identity requires the admin token and refuses a malformed identity", async () => {
    const client = createClient();
    expect((await client.send("/admin/limits/192.0.2.1")).status).toBe(401);
    const malformed = await client.send("/admin/limits/ip:abc", { headers: ADMIN });
    expect(malformed.status).toBe(400);
    expect(await problemOf(malformed)).toMatchObject({ errors: [{ field: "identity" }] });
    const endpoint = await client.send("/admin/limits/endpoint:GET%20%2Fproducts%2F%3Aid", {
      headers: ADMIN,
    });
    expect(await endpoint.json()).toEqual({ identity: "endpoint:GET /products/:id", limits: [] });
  });

  it("/health has a limit of its own, 120 requests a minute for an address", async () => {
    const client = createClient();
    expect(await admitted(client, 150, "/products/1", from("192.0.2.1"))).toBe(100);
    expect(await admitted(client, 150, "/health", from("192.0.2.1"))).toBe(120);
    expect((await client.send("/health", from("192.0.2.2"))).status).toBe(200);
  });

  it("pages and their files have a limit of their own, 300 requests a minute for an address, and take nothing from the limit of the API", async () => {
    const client = createClient();
    const paths = ["/", "/demo", "/docs", "/openapi.json", "/front/style.css", "/dashboard/app.js"];
    for (const path of paths) {
      const { status, headers } = await client.send(path, from("192.0.2.1"));
      expect([path, status, headers.get("RateLimit-Policy")]).toEqual([
        path,
        200,
        '"pages-ip";q=300;w=60',
      ]);
    }
    expect(await admitted(client, 320, "/front/style.css", from("192.0.2.1"))).toBe(294);
    expect(await admitted(client, 150, "/products/1", from("192.0.2.1"))).toBe(100);
    for (const path of ["/demonstration", "/frontier", "/documents"]) {
      const { headers } = await client.send(path, from("192.0.2.2"));
      expect(headers.get("RateLimit-Policy"), path).toBe('"api-ip";q=100;w=60');
    }
  });

  it("a request for several users takes one rate-limit token for each distinct id, even a malformed one", async () => {
    const client = createClient();
    const left: (string | null)[] = [];
    for (const ids of ["1,2,3", "4", "4,4,4", "5,x", ""]) {
      const { headers } = await client.send(`/users?ids=${ids}`, from("192.0.2.1"));
      left.push(headers.get("X-RateLimit-Remaining"));
    }
    expect(left).toEqual(["97", "96", "95", "93", "92"]);
    const many = Array.from({ length: 100 }, (_, i) => i + 1).join(",");
    expect((await client.send(`/users?ids=${many}`, from("192.0.2.1"))).status).toBe(429);
    expect((await client.send(`/users?ids=${many}`, from("192.0.2.2"))).status).toBe(200);
    expect((await client.send(`/users?ids=${many},101`, from("192.0.2.3"))).status).toBe(400);
  });

  it("every response of the reference API has X-RateLimit fields, errors included", async () => {
    const client = createClient();
    for (const path of ["/health", "/products/1", "/products/0", "/nothing", "/users/1"]) {
      const { headers } = await client.send(path, from("192.0.2.1"));
      for (const name of ["Limit", "Remaining", "Reset"])
        expect(headers.get(`X-RateLimit-${name}`), path).toMatch(/^\d+$/);
    }
  });
});
