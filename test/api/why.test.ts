import { describe, expect, it } from "vitest";
import { WhyAnswer } from "../../src/api/why-answer.ts";
import { ADMIN, createClient, problemOf, type Client } from "./client.ts";

const TELEMETRY: object = { OTEL_SDK_DISABLED: "", STRATA_LOG: "off" };

async function ask(client: Client, query: string): Promise<WhyAnswer> {
  const response = await client.send(`/admin/why?${query}`, { headers: ADMIN });
  expect(response.status).toBe(200);
  return WhyAnswer.parse(await response.json());
}

const askPath = (client: Client, path: string) => ask(client, `url=${encodeURIComponent(path)}`);

describe("GET /admin/why", () => {
  it("/admin/why of a product's path names its key and its policy, and a dry run does not load the product", async () => {
    const client = createClient(TELEMETRY);
    const before = await askPath(client, "/products/42");
    expect(before.route?.why.code).toBe("reads");
    expect(before.keys.map((each) => [each.key, each.next.code])).toEqual([
      ["product:42", "never-read"],
    ]);
    expect(before.keys[0]?.policy).toMatchObject({
      freshForMs: 3_600_000,
      unreachableForMs: 60_000,
    });
    expect((await client.send("/products/42")).headers.get("X-Cache-Status")).toBe("MISS");
    const after = await askPath(client, "/products/42");
    expect(after.route?.status).toBe(200);
    expect(after.keys[0]).toMatchObject({ tags: ["product:42"], next: { code: "hit-memory" } });
    expect(after.keys[0]?.last?.missed.code).toBe("absent");
  });

  it("/admin/why of a purged product's path names the tag of the purge", async () => {
    const client = createClient(TELEMETRY);
    await client.send("/products/43");
    await client.write("POST", "/admin/purge", { tags: ["product:43"] });
    const { keys } = await askPath(client, "/products/43");
    expect(keys[0]?.next.code).toBe("invalidated");
    expect(keys[0]?.next.text).toContain("the tag product:43");
  });

  it("/admin/why of a list's path names the key of the list", async () => {
    const client = createClient(TELEMETRY);
    const path = "/products?page=1&category=3";
    await client.send(path);
    const { keys } = await askPath(client, path);
    expect(keys.map((each) => each.key)).toContain("products:category:3:1");
  });

  it("/admin/why of a path that no route has says that the route read nothing", async () => {
    const { route, keys } = await askPath(createClient(TELEMETRY), "/nothing");
    expect([route?.status, route?.why.code, keys]).toEqual([404, "no-read", []]);
  });

  it("/admin/why of a refused path counts the refusals, and takes no token of the limit itself", async () => {
    const client = createClient(TELEMETRY);
    const headers = { "CF-Connecting-IP": "192.0.2.33" };
    const all = Array.from({ length: 103 }, () => client.send("/products/44", { headers }));
    const refused = (await Promise.all(all)).filter(({ status }) => status === 429).length;
    expect(refused).toBeGreaterThan(0);
    const { route } = await askPath(client, "/products/44");
    expect(route?.why.code).toBe("refused");
    expect(route?.why.text).toContain(`refused ${refused} requests`);
  });

  it("/admin/why of a key answers the same as for its path", async () => {
    const client = createClient(TELEMETRY);
    await client.send("/products/45");
    const { route, keys } = await ask(client, "key=product:45");
    expect(route).toBeNull();
    expect(keys[0]?.next.code).toBe("hit-memory");
    expect(keys[0]?.policy).toMatchObject({ freshForMs: 3_600_000 });
  });

  it.each([
    ["", "key"],
    ["key=a:1&url=/b", "key"],
    ["key=", "key"],
    [`key=k:${"k".repeat(511)}`, "key"],
    ["key=a:%00b", "key"],
    ["key=a", "key"],
    ["url=products", "url"],
    ["url=//other.test/products", "url"],
    [String.raw`url=/\other.test/products`, "url"],
    ["url=/%5C:", "url"],
    [`url=/${"a".repeat(2048)}`, "url"],
    ["of=product:1", "of"],
  ])("/admin/why?%s gets a 400 that names the field %s", async (query, field) => {
    const response = await createClient().send(`/admin/why?${query}`, { headers: ADMIN });
    expect(response.status).toBe(400);
    const { errors } = await problemOf(response);
    expect(errors?.map((error) => error.field)).toContain(field);
  });

  it("/admin/why needs a token of the role read", async () => {
    const client = createClient({ ADMIN_TOKENS: "ops:scrape:a-token-of-the-role-scrape-0123" });
    expect((await client.send("/admin/why?key=a:1")).status).toBe(401);
    const headers = { Authorization: "Bearer a-token-of-the-role-scrape-0123" };
    expect((await client.send("/admin/why?key=a:1", { headers })).status).toBe(403);
  });
});
