import { eq } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/api/catalogue.ts";
import { productViews } from "../../src/api/schema.ts";
import { interceptSql } from "../failures/sql-network.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { createClient, type Client } from "./client.ts";

const db = testDatabase();
const MINUTE = 60;
const HOUR = 60 * MINUTE;

interface List {
  readonly items: readonly { readonly id: number; readonly name: string }[];
  readonly page: number;
  readonly pageSize: number;
  readonly total: number;
}

/** A category that only one test uses, with this many products. */
async function newShelf(howMany: number): Promise<{ category: number; ids: number[] }> {
  const [category = 0] = await newCategories(db, 1);
  const ids: number[] = [];
  for (let n = 0; n < howMany; n++) ids.push(await newProduct(db, category));
  return { category, ids };
}

/** Counts the SQL queries of `work`: those for the ids of a list, and those for products. */
async function queriesOf(work: () => Promise<unknown>) {
  const network = interceptSql();
  try {
    await work();
  } finally {
    network.restore();
  }
  const countOf = (part: string) => network.sent.filter((text) => text.includes(part)).length;
  return {
    lists: countOf("over ()"),
    products: countOf('\\"products\\".\\"id\\" in'),
    all: network.sent.length,
  };
}

const listOf = async (client: Client, path: string): Promise<List> =>
  (await client.send(path)).json<List>();

async function statusesOf(client: Client, paths: readonly string[]): Promise<(string | null)[]> {
  const found = [];
  for (const path of paths) found.push((await client.send(path)).headers.get("X-Cache-Status"));
  return found;
}

describe("the lifetimes of the catalogue", () => {
  it.each([
    ["/products?page=3", 5 * MINUTE],
    ["/products?category=5", 5 * MINUTE],
    ["/products/trending", 5 * MINUTE],
    ["/products/71", HOUR],
    ["/categories", 24 * HOUR],
    ["/settings", 24 * HOUR],
    ["/users/71", 10 * MINUTE],
  ])(
    "the response of %s stays fresh for %d seconds, less at most a tenth of that time",
    async (path, seconds) => {
      const client = createClient();
      // The products of the list are loaded first. They stay fresh for longer than the list.
      await client.send(path);
      const again = await client.send(path);
      expect(again.headers.get("X-Cache-Status")).toBe("HIT");
      const ttl = Number(/ttl=(\d+)/.exec(again.headers.get("Cache-Status") ?? "")?.[1]);
      expect(ttl).toBeLessThanOrEqual(seconds);
      expect(ttl).toBeGreaterThanOrEqual(0.9 * seconds - 30);
    },
  );

  it("a session ends an hour after the last request of its user", () => {
    expect(CATALOGUE.session.freshFor).toBe("1h");
  });
});

describe("a list of products as ids and products", () => {
  it("after a change of a product's name, a list that shows the product costs one query for that product and no query for the list", async () => {
    const client = createClient();
    const { category, ids } = await newShelf(5);
    const list = `/products?category=${category}`;
    expect(await queriesOf(() => client.send(list))).toEqual({ lists: 1, products: 1, all: 2 });

    await client.write("PATCH", `/products/${ids[2]}`, { name: "Ash Peg" });
    expect(await queriesOf(() => client.send(list))).toEqual({ lists: 0, products: 1, all: 1 });
    const { items, total } = await listOf(client, list);
    expect(items.map(({ name }) => name)).toEqual(
      ids.map((_, at) => (at === 2 ? "Ash Peg" : "Oak Peg")),
    );
    expect(total).toBe(5);
    expect(await statusesOf(client, [list])).toEqual(["HIT"]);
  });

  it("a change of a product invalidates its page and the responses that show it, and nothing else", async () => {
    const client = createClient();
    const here = await newShelf(2);
    const elsewhere = await newShelf(2);
    const [changed, other] = here.ids;
    const showing = [`/products/${changed}`, `/products?category=${here.category}`];
    const others = [
      `/products/${other}`,
      `/products/${elsewhere.ids[0]}`,
      `/products?category=${elsewhere.category}`,
      "/products",
      "/products?page=2",
      "/categories",
      "/settings",
    ];
    await statusesOf(client, [...showing, ...others]);
    await client.write("PATCH", `/products/${changed}/stock`, { stock: 9 });
    expect(await statusesOf(client, showing)).toEqual(["MISS", "MISS"]);
    const cost = await queriesOf(async () =>
      expect(await statusesOf(client, others)).toEqual(others.map(() => "HIT")),
    );
    expect(cost.all).toBe(0);
  });

  it("a PUT that leaves the category of a product leaves the ids of the lists of that category", async () => {
    const client = createClient();
    const { category, ids } = await newShelf(3);
    const list = `/products?category=${category}`;
    await client.send(list);
    const whole = { name: "N", description: "D", priceCents: 2, categoryId: category, stock: 5 };
    await client.write("PUT", `/products/${ids[0]}`, whole);
    expect((await queriesOf(() => client.send(list))).lists).toBe(0);
    expect((await listOf(client, list)).items[0]).toMatchObject(whole);
  });

  it("a PUT that moves a product changes the lists of both categories and the product's page", async () => {
    const client = createClient();
    const from = await newShelf(2);
    const to = await newShelf(1);
    const lists = [from, to].map(({ category }) => `/products?category=${category}`);
    const page = `/products/${from.ids[0]}`;
    await statusesOf(client, [...lists, page]);
    const whole = { name: "N", description: "", priceCents: 2, categoryId: to.category, stock: 5 };
    await client.write("PUT", page, whole);
    const totals = [];
    for (const list of lists) totals.push((await listOf(client, list)).total);
    expect(totals).toEqual([1, 2]);
    expect(await (await client.send(page)).json()).toMatchObject(whole);
  });

  it("a new product in one category costs the lists of other categories no query", async () => {
    const client = createClient();
    const { category } = await newShelf(1);
    const elsewhere = await newShelf(1);
    await client.send(`/products?category=${elsewhere.category}`);
    const product = { name: "Peg", description: "", priceCents: 1, categoryId: category, stock: 1 };
    await client.write("POST", "/products", product);
    const cost = await queriesOf(() => client.send(`/products?category=${elsewhere.category}`));
    expect(cost.all).toBe(0);
  });

  it("a deleted product leaves the lists that showed it, with a smaller total", async () => {
    const client = createClient();
    const { category, ids } = await newShelf(3);
    const list = `/products?category=${category}`;
    await client.send(list);
    await client.write("DELETE", `/products/${ids[1]}`);
    const { items, total } = await listOf(client, list);
    expect(items.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(total).toBe(2);
  });

  it("a purge of the tag `products` empties every list with its ids, and no product", async () => {
    const client = createClient();
    const { category, ids } = await newShelf(2);
    const lists = [`/products?category=${category}`, "/products?page=4", "/products/trending"];
    await statusesOf(client, [...lists, `/products/${ids[0]}`]);
    await client.write("POST", "/admin/purge", { tags: ["products"] });
    for (const list of lists) {
      const cost = await queriesOf(async () =>
        expect(await statusesOf(client, [list])).toEqual(["MISS"]),
      );
      expect(cost).toMatchObject({ products: 0, all: 1 });
    }
    expect(await statusesOf(client, [`/products/${ids[0]}`])).toEqual(["HIT"]);
  });

  it("a purge of the prefix `products:` empties the ids of a list too", async () => {
    const client = createClient();
    await client.send("/products?page=5");
    await client.write("POST", "/admin/purge", { prefixes: ["products:"] });
    expect((await queriesOf(() => client.send("/products?page=5"))).lists).toBe(1);
  });

  it("another isolate makes a list from the ids and products in Redis without a query", async () => {
    const client = createClient();
    const { category, ids } = await newShelf(3);
    await client.send(`/products?category=${category}`);
    await client.write("PATCH", `/products/${ids[0]}`, { name: "Elm Peg" });
    await client.send(`/products/${ids[0]}`);
    const other = createClient({ STRATA_NAMESPACE: client.isolate.layer.config.namespace });
    const cost = await queriesOf(async () => {
      const { items } = await listOf(other, `/products?category=${category}`);
      expect(items[0]).toMatchObject({ id: ids[0], name: "Elm Peg" });
    });
    expect(cost.all).toBe(0);
  });
});

describe("GET /products/trending", () => {
  const counted: number[] = [];
  afterEach(async () => {
    for (const id of counted.splice(0))
      await db.delete(productViews).where(eq(productViews.productId, id));
  });

  it("the most viewed products come first, and a change of one of them shows at once", async () => {
    const client = createClient();
    const { ids } = await newShelf(3);
    for (const [at, productId] of ids.entries()) {
      counted.push(productId);
      await db.insert(productViews).values({ productId, views: 9_000_000_000 + at });
    }
    const { items, ...page } = await listOf(client, "/products/trending");
    expect(items.slice(0, 3).map(({ id }) => id)).toEqual(ids.toReversed());
    expect(page).toEqual({ page: 1, pageSize: 20, total: 20 });

    await client.write("PATCH", `/products/${ids[2]}`, { name: "Yew Peg" });
    const cost = await queriesOf(async () => {
      const again = await listOf(client, "/products/trending");
      expect(again.items[0]).toMatchObject({ id: ids[2], name: "Yew Peg" });
    });
    expect(cost).toEqual({ lists: 0, products: 1, all: 1 });
  });

  it("a deleted product leaves the trending products", async () => {
    const client = createClient();
    const { ids } = await newShelf(1);
    const [productId = 0] = ids;
    counted.push(productId);
    await db.insert(productViews).values({ productId, views: 9_100_000_000 });
    expect((await listOf(client, "/products/trending")).items[0]?.id).toBe(productId);
    await client.write("DELETE", `/products/${productId}`);
    const { items } = await listOf(client, "/products/trending");
    expect(items.map(({ id }) => id)).not.toContain(productId);
  });

  it("a query parameter of the trending products gets a 400", async () => {
    const { send } = createClient();
    expect((await send("/products/trending?page=2")).status).toBe(400);
  });
});
