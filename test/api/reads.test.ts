import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";

interface ProductBody {
  readonly id: number;
}
interface List<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly pageSize: number;
  readonly total: number;
}

describe("GET /products/:id", () => {
  it("the first read of a product comes from the database, and the second read comes from the memory cache", async () => {
    const { send } = createClient();
    const first = await send("/products/42");
    expect(first.status).toBe(200);
    expect(first.headers.get("X-Cache-Status")).toBe("MISS");
    expect(await first.json()).toEqual({
      id: 42,
      name: "Marlow Max Watch",
      description: "Built to be repaired: every part can be ordered.",
      priceCents: 7350,
      categoryId: 38,
      stock: 218,
      updatedAt: "2025-01-04T06:19:06.034Z",
    });
    const second = await send("/products/42");
    expect(second.headers.get("X-Cache-Status")).toBe("HIT");
    expect(second.headers.get("Cache-Status")).toContain("detail=memory");
    expect(second.headers.get("ETag")).toBe(first.headers.get("ETag"));
  });

  it("a conditional GET with the ETag of a product gets a 304", async () => {
    const { send } = createClient();
    const etag = (await send("/products/43")).headers.get("ETag") ?? "";
    const again = await send("/products/43", { headers: { "If-None-Match": etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get("ETag")).toBe(etag);
  });

  it("a HEAD request for a product gets the ETag of GET and no body", async () => {
    const { send } = createClient();
    const got = await send("/products/44");
    const head = await send("/products/44", { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("ETag")).toBe(got.headers.get("ETag"));
    expect(await head.text()).toBe("");
  });

  it("the cache stores the 404 of a product that does not exist", async () => {
    const { send } = createClient();
    const first = await send("/products/2000000000");
    const second = await send("/products/2000000000");
    expect([first.status, second.status]).toEqual([404, 404]);
    expect(second.headers.get("X-Cache-Status")).toBe("HIT");
    expect(await second.json()).toMatchObject({
      type: "urn:strata:problem:not-found",
      status: 404,
    });
  });
});

describe("GET /products", () => {
  it("a page of the product list has 20 products ordered by id, and the total number of products", async () => {
    const { send } = createClient();
    const list = await (await send("/products?page=2")).json<List<ProductBody>>();
    expect(list).toMatchObject({ page: 2, pageSize: 20 });
    expect(list.total).toBeGreaterThanOrEqual(2_000);
    expect(list.items.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, at) => at + 21));
  });

  it("the list of a category has only products of that category", async () => {
    const { send } = createClient();
    const list = await (await send("/products?category=3")).json<List<{ categoryId: number }>>();
    expect(new Set(list.items.map(({ categoryId }) => categoryId))).toEqual(new Set([3]));
    expect(list.total).toBeLessThan(100);
  });

  it("a product list has one cache entry for every spelling of the same query parameters", async () => {
    const { send } = createClient();
    await send("/products?category=4&page=1");
    expect((await send("/products?category=4")).headers.get("X-Cache-Status")).toBe("HIT");
    expect((await send("/products?page=1&category=4")).headers.get("X-Cache-Status")).toBe("HIT");
  });

  it("a page beyond the last page of a product list has no products and still shows the total", async () => {
    const { send } = createClient();
    const list = await (await send("/products?category=3&page=99")).json<List<ProductBody>>();
    expect(list.items).toEqual([]);
    expect(list.total).toBeGreaterThan(0);
  });
});

describe("GET /categories", () => {
  it("GET /categories lists all categories, and the second request is a cache hit", async () => {
    const { send } = createClient();
    const list = await (await send("/categories")).json<List<{ id: number; name: string }>>();
    expect(list.total).toBeGreaterThanOrEqual(40);
    expect(list.items[0]).toMatchObject({ id: 1, name: "Headphones" });
    expect((await send("/categories")).headers.get("X-Cache-Status")).toBe("HIT");
  });
});

describe("GET /health", () => {
  it("GET /health reports for the database, Redis and the edge cache that each is available", async () => {
    const { send } = createClient();
    const response = await send("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: "ok",
      level: "normal",
      checks: {
        database: true,
        redis: true,
        edge: true,
        flights: true,
        limits: true,
        sessions: true,
      },
    });
  });

  it("GET /health on workers.dev, where the Cache API stores nothing, has `edge: false` and the status degraded", async () => {
    const { isolate } = createClient();
    const ctx = createExecutionContext();
    const request = new Request("https://shop.example.workers.dev/health");
    const response = await isolate.app.fetch(request, env, ctx);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", checks: { edge: false } });
    await waitOnExecutionContext(ctx);
  });
});
