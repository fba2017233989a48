import { describe, expect, it } from "vitest";
import { uniqueNamespace } from "../support/isolate.ts";
import { LEDGERS, statuses } from "./app.ts";

const ip = "192.0.2.1";

describe.each(LEDGERS)("a strict limit with its ledger in %s", (ledger, createLimitedApp) => {
  it(`a rate limit in strict mode admits exactly the limit of concurrent requests over two isolates, with the ledger in ${ledger}`, async () => {
    const namespace = uniqueNamespace();
    const [a, b] = [1, 2].map(() =>
      createLimitedApp(namespace, (app, rateLimit) => {
        app.use(rateLimit({ ip: "10/1m" }));
        app.get("/", (c) => c.text("content"));
      }),
    );
    const answers = await Promise.all([a!.storm(15, "/", { ip }), b!.storm(15, "/", { ip })]);
    expect(statuses(answers.flat())).toEqual({ 200: 10, 429: 20 });
  });

  it(`a rate limit in strict mode adds its RateLimit fields to every response, 404 and 500 included, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "5/1m" }));
      app.get("/", (c) => c.text("content"));
      app.get("/broken", () => {
        throw new Error("broken");
      });
    });
    const first = await get("/", { ip });
    expect(first.headers.get("RateLimit-Policy")).toBe('"api-ip";q=5;w=60');
    expect(first.headers.get("RateLimit")).toMatch(/^"api-ip";r=4;t=60$/);
    expect(first.headers.get("X-RateLimit-Limit")).toBe("5");
    expect(first.headers.get("Server-Timing")).toMatch(/\blimit;dur=\d/);
    expect(first.headers.get("X-RateLimit-Remaining")).toBe("4");
    const reset = Number(first.headers.get("X-RateLimit-Reset")) - Date.now() / 1_000;
    expect(reset).toBeGreaterThan(55);
    expect(reset).toBeLessThanOrEqual(61);
    const missing = await get("/nothing", { ip });
    expect([missing.status, missing.headers.get("X-RateLimit-Remaining")]).toEqual([404, "3"]);
    const broken = await get("/broken", { ip });
    expect([broken.status, broken.headers.get("X-RateLimit-Remaining")]).toEqual([500, "2"]);
  });

  it(`a request that a rate limit in strict mode refuses gets a 429 that names the policy, and no part of the route's response, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: ["1/10s", "50/1h"] }));
      app.get("/", (c) => c.text("secret", 200, { "X-Secret": "yes", ETag: '"1"' }));
    });
    await get("/", { ip });
    const refused = await get("/", { ip });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.headers.get("Cache-Control")).toBe("no-store");
    expect(refused.headers.get("X-Secret")).toBeNull();
    expect(refused.headers.get("ETag")).toBeNull();
    expect(JSON.parse(refused.body)).toEqual({
      type: "urn:strata:problem:rate-limit-exceeded",
      title: "Too Many Requests",
      status: 429,
      detail: expect.stringContaining("api-ip-10s (1/10s)"),
      "violated-policies": ["api-ip-10s"],
    });
    const wait = Number(refused.headers.get("Retry-After"));
    expect(wait).toBeGreaterThan(5);
    expect(wait).toBeLessThanOrEqual(10);
    expect(refused.headers.get("X-RateLimit-Limit")).toBe("1");
    expect(refused.headers.get("X-RateLimit-Remaining")).toBe("0");
    expect(refused.headers.get("RateLimit-Policy")).toBe(
      '"api-ip-10s";q=1;w=10, "api-ip-1h";q=50;w=3600',
    );
    expect(refused.headers.get("RateLimit")).toMatch(
      /^"api-ip-10s";r=0;t=\d+, "api-ip-1h";r=49;t=\d+$/,
    );
  });

  it(`a POST handler runs only after the rate limit in strict mode has admitted the request, with the ledger in ${ledger}`, async () => {
    let ran = 0;
    const { storm } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.post("/", rateLimit({ ip: "2/1m" }), (c) => {
        ran++;
        return c.text("done");
      });
    });
    expect(statuses(await storm(10, "/", { ip, method: "POST" }))).toEqual({ 200: 2, 429: 8 });
    expect(ran).toBe(2);
  });

  it(`a request that the rate limit of one identity refuses takes no token from the other identities, with the ledger in ${ledger}`, async () => {
    const { get, rateLimits } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "10/1m", user: "2/1m", endpoint: "100/1m" }));
      app.get("/thing/:id", (c) => c.text("content"));
    });
    const headers = { "X-API-Key": "alice" };
    for (let i = 0; i < 5; i++) await get(`/thing/${i}`, { ip, headers });
    const other = await get("/thing/1", { ip: "192.0.2.2" });
    expect(other.headers.get("RateLimit")).toContain('"api-endpoint";r=97');
    const byAddress = await get("/thing/1", { ip });
    expect(byAddress.headers.get("RateLimit")).toContain('"api-ip";r=7');
    expect(rateLimits.stats().unknown).toBe(0);
  });

  it(`a rate limit with the option 'endpoint' counts all clients of a route together and each route separately, by method and path pattern, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ endpoint: "2/1m" }));
      app.get("/a/:id", (c) => c.text("a"));
      app.get("/b", (c) => c.text("b"));
      app.post("/b", (c) => c.text("posted"));
    });
    expect((await get("/a/1", { ip })).status).toBe(200);
    expect((await get("/a/2", { ip: "192.0.2.9" })).status).toBe(200);
    expect((await get("/a/3", { ip })).status).toBe(429);
    expect((await get("/b", { ip })).status).toBe(200);
    expect((await get("/b", { ip, method: "POST" })).headers.get("X-RateLimit-Remaining")).toBe(
      "1",
    );
  });

  it(`two rate limiters on different routes count separately, unless both have the same name, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.get("/a", rateLimit({ ip: "1/1m" }), (c) => c.text("a"));
      app.get("/b", rateLimit({ ip: "1/1m" }), (c) => c.text("b"));
      app.get("/c", rateLimit({ name: "shared", ip: "1/1m" }), (c) => c.text("c"));
      app.get("/d", rateLimit({ name: "shared", ip: "1/1m" }), (c) => c.text("d"));
    });
    expect((await get("/a", { ip })).status).toBe(200);
    expect((await get("/b", { ip })).status).toBe(200);
    expect((await get("/c", { ip })).status).toBe(200);
    expect((await get("/d", { ip })).status).toBe(429);
  });

  it(`a rate-limited request takes as many tokens as the function 'cost' returns for it, with the ledger in ${ledger}`, async () => {
    const { get } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
      app.use(rateLimit({ name: "api", ip: "10/1m", cost: (c) => Number(c.req.query("cost")) }));
      app.get("/", (c) => c.text("content"));
    });
    const ask = async (cost: number): Promise<unknown[]> => {
      const { status, headers } = await get(`/?cost=${cost}`, { ip });
      return [status, headers.get("X-RateLimit-Remaining")];
    };
    expect(await ask(7)).toEqual([200, "3"]);
    expect(await ask(4)).toEqual([429, "3"]);
    // A remembered refusal of 4 tokens does not refuse 3 tokens.
    expect(await ask(0)).toEqual([200, "3"]);
    expect(await ask(3)).toEqual([200, "0"]);
    const aboveLimit = await get("/?cost=11", { ip: "192.0.2.7" });
    expect([aboveLimit.status, aboveLimit.headers.get("Retry-After")]).toEqual([429, null]);
    expect((await get("/?cost=-1", { ip })).status).toBe(500);
  });

  it(`the rate limit of a user depends on the plan of the user, with the ledger in ${ledger}`, async () => {
    const digest = await sha256("key-of-alice");
    const { get } = createLimitedApp(
      uniqueNamespace(),
      (app, rateLimit) => {
        app.use(rateLimit({ user: { default: "1/1m", plans: { pro: "3/1m" } } }));
        app.get("/", (c) => c.text("content"));
      },
      { STRATA_DEV: "", API_KEYS: `${digest} alice pro, ${await sha256("key-of-bob")} bob` },
    );
    const ask = async (key: string): Promise<number> =>
      (await get("/", { ip, headers: { "X-API-Key": key } })).status;
    const alice = [await ask("key-of-alice"), await ask("key-of-alice"), await ask("key-of-alice")];
    expect([...alice, await ask("key-of-alice")]).toEqual([200, 200, 200, 429]);
    expect([await ask("key-of-bob"), await ask("key-of-bob")]).toEqual([200, 429]);
    // An unknown key identifies no user, so no limit applies.
    const unknown = await get("/", { ip, headers: { "X-API-Key": "made-up" } });
    expect([unknown.status, unknown.headers.get("RateLimit-Policy")]).toEqual([200, null]);
  });

  it(`every rate-limit algorithm admits exactly the limit of concurrent requests, with the ledger in ${ledger}`, async () => {
    const stock = [
      "upstash-sliding-window",
      "upstash-fixed-window",
      "upstash-token-bucket",
    ] as const;
    const algorithms = [
      "sliding-window",
      "sliding-log",
      ...(ledger === "Redis" ? stock : []),
    ] as const;
    for (const algorithm of algorithms) {
      const { storm } = createLimitedApp(uniqueNamespace(), (app, rateLimit) => {
        app.use(rateLimit({ ip: "5/1h", algorithm }));
        app.get("/", (c) => c.text("content"));
      });
      expect(statuses(await storm(12, "/", { ip })), algorithm).toEqual({ 200: 5, 429: 7 });
    }
  });
});

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
