import { describe, expect, it, vi } from "vitest";
import { categories, products } from "../../src/api/schema.ts";
import { createClient, problemOf, type Client } from "./client.ts";

interface ProductBody {
  readonly id: number;
  readonly name: string;
  readonly categoryId: number;
  readonly stock: number;
  readonly updatedAt: string;
}

/** Categories that only this test uses, so that no other test changes their lists. */
async function newCategories(client: Client, howMany: number): Promise<number[]> {
  const rows = Array.from({ length: howMany }, () => ({
    name: crypto.randomUUID(),
    description: "",
  }));
  const { db } = client.isolate.layer;
  const made = await db.insert(categories).values(rows).returning({ id: categories.id });
  return made.map(({ id }) => id);
}

async function newProduct(client: Client, categoryId: number): Promise<ProductBody> {
  const product = { name: "Brass Hook", description: "", priceCents: 900, categoryId, stock: 3 };
  const response = await client.write("POST", "/products", product);
  expect(response.status).toBe(201);
  return response.json<ProductBody>();
}

async function statusOf(client: Client, path: string): Promise<string | null> {
  return (await client.send(path)).headers.get("X-Cache-Status");
}

async function totalOf(client: Client, path: string): Promise<number> {
  return (await (await client.send(path)).json<{ total: number }>()).total;
}

describe("POST /products", () => {
  it("a new product is readable immediately, even if the cache has stored a 404 for the id of the product", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const before = await newProduct(client, category);
    // Other tests insert products as well; one of the next ids is this test's.
    for (let ahead = 1; ahead <= 30; ahead++) await client.send(`/products/${before.id + ahead}`);
    const { id } = await newProduct(client, category);
    expect(id - before.id).toBeLessThanOrEqual(30);
    expect((await client.send(`/products/${id}`)).status).toBe(200);
  });

  it("the response to the creation of a product has a Location field and `X-Invalidation: done`", async () => {
    const client = createClient();
    const response = await client.write("POST", "/products", {
      name: "  Trimmed  ",
      description: "Two\nlines",
      priceCents: 0,
      categoryId: 1,
      stock: 0,
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("X-Invalidation")).toBe("done");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const product = await response.json<ProductBody>();
    expect(response.headers.get("Location")).toBe(`/products/${product.id}`);
    expect(product.name).toBe("Trimmed");
    await client.write("DELETE", `/products/${product.id}`);
  });

  it("a new product invalidates the list of its category and the list of all products, and no other list", async () => {
    const client = createClient();
    const [here = 0, elsewhere = 0] = await newCategories(client, 2);
    const lists = [`/products?category=${here}`, "/products", `/products?category=${elsewhere}`];
    for (const path of lists) await client.send(path);
    await newProduct(client, here);
    const found = [];
    for (const path of lists) found.push(await statusOf(client, path));
    expect(found).toEqual(["MISS", "MISS", "HIT"]);
    expect(await totalOf(client, `/products?category=${here}`)).toBe(1);
  });

  it("a new product appears on a new last page, even if clients requested that page before the page existed", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const row = { name: "Hook", description: "", priceCents: 1, categoryId: category, stock: 1 };
    await client.isolate.layer.db.insert(products).values(Array.from({ length: 20 }, () => row));
    const second = `/products?category=${category}&page=2`;
    for (const path of [second, `${second}0`, `${second}1`])
      expect(await totalOf(client, path)).toBe(20);
    const { id } = await newProduct(client, category);
    const list = await (await client.send(second)).json();
    expect(list).toMatchObject({ total: 21, page: 2, items: [{ id }] });
  });

  it("the creation of a product in an unknown category gets a 422", async () => {
    const client = createClient();
    const response = await client.write("POST", "/products", {
      name: "Lost",
      description: "",
      priceCents: 1,
      categoryId: 2_000_000_000,
      stock: 1,
    });
    expect(await problemOf(response)).toMatchObject({
      status: 422,
      type: "urn:strata:problem:unknown-category",
      errors: [{ field: "categoryId" }],
    });
  });
});

describe("PUT and PATCH /products/:id", () => {
  it("a change of a product invalidates the product and the lists that show it, and no other list", async () => {
    const client = createClient();
    const [here = 0, elsewhere = 0] = await newCategories(client, 2);
    const product = await newProduct(client, here);
    await newProduct(client, elsewhere);
    const paths = [
      `/products/${product.id}`,
      `/products?category=${here}`,
      `/products?category=${elsewhere}`,
      "/products?page=1",
    ];
    for (const path of paths) await client.send(path);
    const response = await client.write("PATCH", `/products/${product.id}`, { name: "Iron Hook" });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: product.id, name: "Iron Hook", stock: 3 });
    const found = [];
    for (const path of paths) found.push(await statusOf(client, path));
    expect(found).toEqual(["MISS", "MISS", "HIT", "HIT"]);
  });

  it("a change of a product's category invalidates the product lists of the old and of the new category", async () => {
    const client = createClient();
    const [from = 0, to = 0] = await newCategories(client, 2);
    const product = await newProduct(client, from);
    const before = [
      await totalOf(client, `/products?category=${from}`),
      await totalOf(client, `/products?category=${to}`),
    ];
    await client.write("PATCH", `/products/${product.id}`, { categoryId: to });
    const after = [
      await totalOf(client, `/products?category=${from}`),
      await totalOf(client, `/products?category=${to}`),
    ];
    expect([before, after]).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it("PUT /products/:id replaces every field of the product, and gets a 400 if the body lacks a field", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const product = await newProduct(client, category);
    const whole = { name: "N", description: "D", priceCents: 2, categoryId: category, stock: 5 };
    const response = await client.write("PUT", `/products/${product.id}`, whole);
    expect(await response.json()).toMatchObject(whole);
    const partial = await client.write("PUT", `/products/${product.id}`, { name: "N" });
    const { status, errors } = await problemOf(partial);
    expect(status).toBe(400);
    expect(errors?.map(({ field }) => field)).toEqual([
      "description",
      "priceCents",
      "categoryId",
      "stock",
    ]);
  });

  it("a PUT, PATCH or DELETE of a product that does not exist gets a 404", async () => {
    const client = createClient();
    for (const [method, path, body] of [
      ["PUT", "", { name: "N", description: "", priceCents: 1, categoryId: 1, stock: 1 }],
      ["PATCH", "", { name: "N" }],
      ["PATCH", "/stock", { stock: 1 }],
      ["PATCH", "/stock", { delta: 1 }],
      ["DELETE", "", undefined],
    ] as const) {
      const response = await client.write(method, `/products/2000000000${path}`, body);
      expect({ method, path, status: response.status }).toEqual({ method, path, status: 404 });
    }
  });
});

describe("PATCH /products/:id/stock", () => {
  it("a client can set the stock of a product to a value, or change the stock by a difference", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const { id } = await newProduct(client, category);
    const set = await client.write("PATCH", `/products/${id}/stock`, { stock: 10 });
    expect(await set.json()).toMatchObject({ stock: 10 });
    const changed = await client.write("PATCH", `/products/${id}/stock`, { delta: -4 });
    expect(await changed.json()).toMatchObject({ stock: 6 });
    expect(await (await client.send(`/products/${id}`)).json()).toMatchObject({ stock: 6 });
  });

  it("a change of a product's stock to a negative number or to more than 2,147,483,647 gets a 409", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const { id } = await newProduct(client, category);
    for (const delta of [-4, 2_147_483_647]) {
      const response = await client.write("PATCH", `/products/${id}/stock`, { delta });
      expect(await problemOf(response)).toMatchObject({
        status: 409,
        type: "urn:strata:problem:stock-conflict",
        stock: 3,
      });
    }
  });

  it("the final stock of a product includes every concurrent change", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const { id } = await newProduct(client, category);
    const changes = Array.from({ length: 8 }, () =>
      client.write("PATCH", `/products/${id}/stock`, { delta: 2 }),
    );
    await Promise.all(changes);
    expect(await (await client.send(`/products/${id}`)).json()).toMatchObject({ stock: 19 });
  });
});

describe("DELETE /products/:id", () => {
  it("a deleted product gets a 404 immediately, and disappears from the list of its category", async () => {
    const client = createClient();
    const [category = 0] = await newCategories(client, 1);
    const { id } = await newProduct(client, category);
    await client.send(`/products/${id}`);
    expect(await totalOf(client, `/products?category=${category}`)).toBe(1);
    const response = await client.write("DELETE", `/products/${id}`);
    expect(response.status).toBe(204);
    expect(response.headers.get("X-Invalidation")).toBe("done");
    expect((await client.send(`/products/${id}`)).status).toBe(404);
    expect(await totalOf(client, `/products?category=${category}`)).toBe(0);
  });
});

describe("POST /admin/purge", () => {
  it("a purge by tag, key, prefix or everything invalidates only the purged cache entries", async () => {
    const client = createClient();
    const paths = ["/products/51", "/products/52", "/products?page=9", "/categories"];
    const purges = [
      [{ tags: ["product:51"] }, ["MISS", "HIT", "HIT", "HIT"]],
      [{ keys: ["product:52"] }, ["HIT", "MISS", "HIT", "HIT"]],
      [{ prefixes: ["products:"] }, ["HIT", "HIT", "MISS", "HIT"]],
      [{ everything: true }, ["MISS", "MISS", "MISS", "MISS"]],
    ] as const;
    for (const path of paths) await client.send(path);
    for (const [targets, expected] of purges) {
      const response = await client.write("POST", "/admin/purge", targets);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ invalidation: "done" });
      const found = [];
      for (const path of paths) found.push(await statusOf(client, path));
      expect({ targets, found }).toEqual({ targets, found: expected });
    }
  });

  it("after a soft purge, the cache serves the entry as stale and then refreshes the entry", async () => {
    const client = createClient();
    await client.send("/products/53");
    await client.write("POST", "/admin/purge", { tags: ["product:53"], soft: true });
    expect(await statusOf(client, "/products/53")).toBe("STALE");
    await vi.waitFor(async () => expect(await statusOf(client, "/products/53")).toBe("HIT"), 5_000);
  });

  it("a purge gets a 403 if no admin token is configured", async () => {
    const closed = createClient({}, ["ADMIN_TOKEN"]);
    const response = await closed.write("POST", "/admin/purge", { everything: true });
    expect((await problemOf(response)).status).toBe(403);
    expect((await closed.send("/products/1")).status).toBe(200);
  });
});
