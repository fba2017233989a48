/** Attacks on the admin tokens, and what each role may do. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createObservedApi, TOKEN, type ObservedApi } from "./observed.ts";

const SCRAPE = "scrape-token-0123456789abcdef";
const READ = "read-token-0123456789abcdefgh";
const PURGE = "purge-token-0123456789abcdefg";
const ALL = "all-token-0123456789abcdefghi";
const ADMIN_TOKENS = `prometheus:scrape:${SCRAPE}, support:read:${READ},ci:purge:${PURGE},ops:all:${ALL}`;

const statusOf = async (answer: Promise<Response>): Promise<number> => (await answer).status;

/** Sends wrong tokens one after the other. Returns the statuses. */
async function guess(
  { ask }: ObservedApi,
  times: number,
  ipOf: (i: number) => string,
  path = "/admin/entry?key=x",
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++)
    statuses.push(await statusOf(ask(`wrong-token-${i}`, path, { ip: ipOf(i) })));
  return statuses;
}

const repeat = (status: number, times: number): readonly number[] =>
  Array.from({ length: times }, () => status);

const fromOneAddress = () => "192.0.2.1";
const fromManyAddresses = (i: number) => `198.51.100.${i}`;

describe("the roles of admin tokens", () => {
  const product = { name: "A", description: "", priceCents: 1, categoryId: 999_999, stock: 1 };
  const routes = [
    ["GET", "/metrics", undefined, [SCRAPE, READ, ALL, TOKEN]],
    ["GET", "/admin/entry?key=x", undefined, [READ, ALL, TOKEN]],
    ["GET", "/admin/limits/ip:192.0.2.9", undefined, [READ, ALL, TOKEN]],
    ["POST", "/admin/purge", { tags: ["t"] }, [PURGE, ALL, TOKEN]],
    ["POST", "/admin/warm", { kind: "products", ids: [1] }, [PURGE, ALL, TOKEN]],
    ["DELETE", "/admin/limits/ip:192.0.2.9", undefined, [ALL, TOKEN]],
    ["POST", "/products", product, [ALL, TOKEN]],
    ["DELETE", "/products/999999", undefined, [ALL, TOKEN]],
    ["POST", "/admin/unknown", undefined, [ALL, TOKEN]],
  ] as const;

  it.each(routes)(
    "%s %s gets a 403 with an admin token exactly if the role of the token does not allow the route",
    async (...row) => {
      const [method, path, body, allowed] = row;
      const { ask } = createObservedApi({ ADMIN_TOKENS, OTEL_SDK_DISABLED: "true" });
      const refused: string[] = [];
      const tokens = [SCRAPE, READ, PURGE, ALL, TOKEN];
      for (const token of tokens) {
        const response = await ask(token, path, { method, body, ip: "192.0.2.1" });
        if (response.status !== 403) continue;
        refused.push(token);
        expect(response.headers.get("WWW-Authenticate")).toContain("insufficient_scope");
        expect(await response.json()).toMatchObject({
          type: "urn:strata:problem:insufficient-role",
        });
      }
      const isAllowed = (token: string) => (allowed as readonly string[]).includes(token);
      expect(refused).toEqual(tokens.filter((token) => !isAllowed(token)));
    },
  );

  it("GET /users/:id returns the private field `email` only to an admin token with the role `all`", async () => {
    const { ask } = createObservedApi({ ADMIN_TOKENS, OTEL_SDK_DISABLED: "true" });
    const seen: string[] = [];
    for (const token of [SCRAPE, READ, PURGE, ALL]) {
      const response = await ask(token, "/users/1", { ip: "192.0.2.1" });
      expect(response.status).toBe(200);
      if ((await response.text()).includes('"email"')) seen.push(token);
    }
    expect(seen).toEqual([ALL]);
  });
});

describe("the rotation of admin tokens", () => {
  it("two admin tokens with one name in ADMIN_TOKENS are valid at once, and a token that was removed from ADMIN_TOKENS gets a 401", async () => {
    const old = "old-token-0123456789abcdefgh";
    const next = "next-token-0123456789abcdefgh";
    const both = createObservedApi({
      ADMIN_TOKENS: `ci:purge:${old},ci:purge:${next}`,
      OTEL_SDK_DISABLED: "true",
    });
    const after = createObservedApi({
      ADMIN_TOKENS: `ci:purge:${next}`,
      OTEL_SDK_DISABLED: "true",
    });
    const purge = { method: "POST", body: { tags: ["t"] }, ip: "192.0.2.1" };
    expect(await statusOf(both.ask(old, "/admin/purge", purge))).toBe(200);
    expect(await statusOf(both.ask(next, "/admin/purge", purge))).toBe(200);
    expect(await statusOf(after.ask(old, "/admin/purge", purge))).toBe(401);
    expect(await statusOf(after.ask(next, "/admin/purge", purge))).toBe(200);
  });

  it("the variable ADMIN_TOKENS may contain the token of ADMIN_TOKEN, so an operator can replace ADMIN_TOKEN without downtime", async () => {
    const ADMIN_TOKENS = `admin:all:${TOKEN}`;
    const repeated = createObservedApi({ ADMIN_TOKENS, OTEL_SDK_DISABLED: "true" });
    const replaced = createObservedApi({
      ADMIN_TOKENS,
      ADMIN_TOKEN: ALL,
      OTEL_SDK_DISABLED: "true",
    });
    const path = "/admin/entry?key=x";
    const init = { ip: "192.0.2.1" };
    expect(await statusOf(repeated.ask(TOKEN, path, init))).toBe(200);
    expect(await statusOf(replaced.ask(TOKEN, path, init))).toBe(200);
    expect(await statusOf(replaced.ask(ALL, path, init))).toBe(200);
  });

  it("the API accepts an admin token of 512 characters, and rejects a token that differs in one character", async () => {
    const long = "x".repeat(512);
    const { ask } = createObservedApi({
      ADMIN_TOKENS: `a:read:${long}`,
      OTEL_SDK_DISABLED: "true",
    });
    const path = "/admin/entry?key=x";
    expect(await statusOf(ask(long, path, { ip: "192.0.2.1" }))).toBe(200);
    for (const wrong of [`${long}x`, long.slice(1), `${long.slice(1)}y`])
      expect(await statusOf(ask(wrong, path, { ip: "192.0.2.2" }))).toBe(401);
  });
});

describe("guesses of an admin token", () => {
  const quiet = { OTEL_SDK_DISABLED: "true" };

  it("the 11th wrong admin token from one client address in a minute gets a 429 with Retry-After", async () => {
    const api = createObservedApi(quiet);
    const statuses = await guess(api, 12, fromOneAddress);
    expect(statuses).toEqual([...repeat(401, 10), 429, 429]);
    const refused = await api.ask("wrong", "/admin/entry?key=x", { ip: fromOneAddress() });
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      type: "urn:strata:problem:rate-limit-exceeded",
      "violated-policies": ["admin-guesses-ip"],
    });
  });

  it("after ten wrong admin tokens from an address, the right token gets a 429 too, so that a guess cannot be confirmed", async () => {
    const api = createObservedApi(quiet);
    await guess(api, 10, fromOneAddress);
    const entry = "/admin/entry?key=x";
    expect(await statusOf(api.ask(TOKEN, entry, { ip: fromOneAddress() }))).toBe(429);
    expect(await statusOf(api.ask(TOKEN, entry, { ip: "192.0.2.2" }))).toBe(200);
    api.clock.advance(125_000);
    expect(await statusOf(api.ask(TOKEN, entry, { ip: fromOneAddress() }))).toBe(200);
  });

  it("of 60 concurrent guesses of the admin token from one address, the API checks ten and answers 429 to the others, even to the right one", async () => {
    const api = createObservedApi(quiet);
    const tokens = [...Array.from({ length: 59 }, (_, i) => `wrong-token-${i}`), TOKEN];
    const statuses = await Promise.all(
      tokens.map((token) => statusOf(api.ask(token, "/users/1", { ip: fromOneAddress() }))),
    );
    expect(statuses.filter((status) => status !== 429)).toEqual(repeat(401, 10));
  });

  it("wrong admin tokens at /users, /products, /metrics and /admin count toward one limit of the client address", async () => {
    const api = createObservedApi(quiet);
    const statuses = [
      ...(await guess(api, 4, fromOneAddress, "/users/1")),
      ...(await guess(api, 3, fromOneAddress, "/metrics")),
      ...(await guess(api, 3, fromOneAddress)),
    ];
    expect(statuses).toEqual(repeat(401, 10));
    const remove = { method: "DELETE", ip: fromOneAddress() };
    expect(await statusOf(api.ask("wrong", "/products/1", remove))).toBe(429);
    expect(await guess(api, 1, fromOneAddress, "/users/1")).toEqual([429]);
  });

  it("after 100 wrong admin tokens from many addresses in a minute, the right token works only from an address that used it before", async () => {
    const api = createObservedApi(quiet);
    const entry = "/admin/entry?key=x";
    const operator = "203.0.113.7";
    expect(await statusOf(api.ask(TOKEN, entry, { ip: operator }))).toBe(200);
    const statuses = await guess(api, 103, fromManyAddresses);
    expect(statuses).toEqual([...repeat(401, 100), 429, 429, 429]);
    expect(await statusOf(api.ask(TOKEN, entry, { ip: "203.0.113.8" }))).toBe(429);
    expect(await statusOf(api.ask(TOKEN, entry, { ip: operator }))).toBe(200);
    expect(await guess(api, 11, () => operator)).toEqual([...repeat(401, 10), 429]);
  });

  it("wrong admin tokens from one client address in two isolates count toward the same limit", async () => {
    const namespace = `guesses-${crypto.randomUUID().slice(0, 8)}`;
    const first = createObservedApi(quiet, namespace);
    const second = createObservedApi(quiet, namespace);
    await guess(first, 10, fromOneAddress);
    const statuses = await guess(second, 4, fromOneAddress);
    // Each isolate gives one token on credit before it asks Redis.
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(2);
    expect(statuses.at(-1)).toBe(429);
  });

  it("a request without a token does not count toward the limit of wrong admin tokens", async () => {
    const api = createObservedApi(quiet);
    const entry = "/admin/entry?key=x";
    const init = { ip: fromOneAddress() };
    for (let i = 0; i < 12; i++) expect((await api.send(entry, init)).status).toBe(401);
    expect(await statusOf(api.ask(TOKEN, entry, init))).toBe(200);
  });

  it("after DELETE /admin/limits for an address that sent too many wrong admin tokens, the right token works from this address again", async () => {
    const api = createObservedApi(quiet);
    await guess(api, 11, fromOneAddress);
    const path = `/admin/limits/ip:${fromOneAddress()}`;
    const reset = await api.ask(TOKEN, path, { method: "DELETE", ip: "192.0.2.2" });
    expect(reset.status).toBe(200);
    expect(await statusOf(api.ask(TOKEN, "/admin/entry?key=x", { ip: fromOneAddress() }))).toBe(
      200,
    );
  });
});

describe("the format of admin tokens", () => {
  const problemsOf = (bindings: Readonly<Record<string, string>>): readonly string[] => {
    try {
      createObservedApi(bindings);
      return [];
    } catch (error) {
      return (error as { readonly problems: readonly string[] }).problems;
    }
  };
  const secret = "s3cr3t-s3cr3t-s3cr3t";

  it("an ADMIN_TOKEN of fewer than 24 characters causes a configuration error that does not contain the token", () => {
    const problems = problemsOf({ ADMIN_TOKEN: secret });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^ADMIN_TOKEN: must have 24 to 512 /);
    expect(problems[0]).not.toContain(secret);
  });

  it.each([
    `ci:purge:${secret}`,
    `ci:owner:${secret}-${secret}`,
    `purge:${secret}-${secret}`,
    `${secret}-${secret}`,
    `ci:purge:${secret}-${secret},`,
    `c i:purge:${secret}-${secret}`,
    `ci:purge:${secret} ${secret}`,
    `ci:purge:${secret}-${secret},ci:all:${secret}-${secret}`,
    `ci:purge:${env.ADMIN_TOKEN}`,
  ])(
    "the value %j of the variable ADMIN_TOKENS causes a configuration error that does not contain a token",
    (ADMIN_TOKENS) => {
      const problems = problemsOf({ ADMIN_TOKENS });
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/^ADMIN_TOKENS: /);
      expect(problems[0]).not.toContain(secret);
      expect(problems[0]).not.toContain(env.ADMIN_TOKEN);
    },
  );
});
