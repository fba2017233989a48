import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { categories } from "../../src/api/schema.ts";
import { createIsolate } from "../../src/api/isolate.ts";
import { createTestContext } from "../support/context.ts";
import { uniqueNamespace } from "../support/isolate.ts";

const FLOOD = 300;
const token = env.ADMIN_TOKEN;

interface Counts {
  readonly redis: { readonly requests: number };
  readonly sql: { readonly queries: number };
}

async function counted(work: () => Promise<unknown>): Promise<Counts> {
  await fetch(`${env.SERVICES_URL}/counts/reset`, { method: "POST" });
  await work();
  return (await fetch(`${env.SERVICES_URL}/counts`)).json();
}

function start(namespace: string) {
  const bindings = { ...env, STRATA_NAMESPACE: namespace };
  const { app, layer } = createIsolate(bindings);
  return {
    layer,
    async cron() {
      const ctx = createTestContext();
      await layer.scheduled(ctx);
      await ctx.settle();
    },
    async send(path: string, init: RequestInit = {}) {
      const execution = createExecutionContext();
      const request = new Request(`http://strata.test${path}`, init);
      const response = await app.fetch(request, bindings, execution);
      const body = await response.text();
      await waitOnExecutionContext(execution);
      return { status: response.status, headers: response.headers, body };
    },
  };
}

describe("floods of made-up ids", () => {
  it.each(["products", "users"])(
    "with an existence filter (a Bloom filter of all ids), 300 requests for ids of %s that do not exist cause at most 18 SQL queries",
    async (route) => {
      const { cron, send } = start(uniqueNamespace());
      await cron();
      await send(`/${route}/999999`);
      const { sql, redis } = await counted(async () => {
        for (let n = 0; n < FLOOD; n++)
          expect((await send(`/${route}/${1_000_000 + n * 7_919}`)).status).toBe(404);
      });
      // The filter lets one of 100 through on average; the test allows six times that.
      expect(sql.queries).toBeLessThanOrEqual(FLOOD * 0.06);
      expect(redis.requests).toBeLessThanOrEqual(FLOOD * 0.15);
      expect((await send(`/${route}/1`)).status).toBe(200);
    },
  );

  it("an id that the existence filter reports as missing gets the same 404 as a missing id without the filter", async () => {
    const namespace = uniqueNamespace();
    const plain = start(uniqueNamespace());
    const guarded = start(namespace);
    await guarded.cron();
    // The isolate loads the filter after the first missing id of its kind.
    for (const path of ["/products/999999", "/users/999999"]) await guarded.send(path);
    for (const path of ["/products/99999999", "/users/99999999"]) {
      const [asked, denied] = [await plain.send(path), await guarded.send(path)];
      expect(denied.headers.get("Cache-Status")).toContain("detail=existence");
      expect([denied.status, denied.body]).toEqual([asked.status, asked.body]);
      expect(denied.headers.get("Content-Type")).toBe(asked.headers.get("Content-Type"));
      expect(denied.headers.get("Vary")).toBe(asked.headers.get("Vary"));
    }
  });

  it("an existence filter does not hide a product that a client creates after the build of the filter", async () => {
    const { cron, send } = start(uniqueNamespace());
    await cron();
    await send("/products/999999");
    expect((await send("/products/888888")).headers.get("Cache-Status")).toContain("existence");
    const created = await send("/products", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        name: "Seen at once",
        description: "",
        priceCents: 100,
        categoryId: 1,
        stock: 1,
      }),
    });
    expect(created.status).toBe(201);
    const { id } = JSON.parse(created.body) as { id: number };
    try {
      expect((await send(`/products/${id}`)).status).toBe(200);
    } finally {
      await send(`/products/${id}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${token}` },
      });
    }
    expect((await send(`/products/${id}`)).status).toBe(404);
  });

  it("a category that the existence filter reports as missing gets the same empty list as an unknown category without the filter", async () => {
    const [plain, guarded] = [start(uniqueNamespace()), start(uniqueNamespace())];
    await guarded.cron();
    await guarded.send("/products?category=999999");
    const path = "/products?category=99999999&page=2";
    const [asked, denied] = [await plain.send(path), await guarded.send(path)];
    expect(denied.headers.get("Cache-Status")).toContain("detail=existence");
    expect([denied.status, denied.body]).toEqual([asked.status, asked.body]);
    for (const field of ["Content-Type", "Cache-Control"])
      expect(denied.headers.get(field)).toBe(asked.headers.get(field));
  });

  it("an existence filter does not hide the first product of a category that was created after the build of the filter", async () => {
    const { cron, send, layer } = start(uniqueNamespace());
    await cron();
    const [made] = await layer.db
      .insert(categories)
      .values({ name: crypto.randomUUID(), description: "" })
      .returning({ id: categories.id });
    const list = `/products?category=${made?.id}`;
    await send(list);
    expect((await send(list)).headers.get("Cache-Status")).toContain("detail=existence");
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const product = {
      name: "First",
      description: "",
      priceCents: 1,
      categoryId: made?.id,
      stock: 1,
    };
    const created = await send("/products", {
      method: "POST",
      headers,
      body: JSON.stringify(product),
    });
    const { id } = JSON.parse(created.body) as { id: number };
    expect(JSON.parse((await send(list)).body)).toMatchObject({ total: 1, items: [{ id }] });
    await send(`/products/${id}`, { method: "DELETE", headers });
  });
});
