import { inArray } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { products, productViews } from "../../src/api/schema.ts";
import { interceptSql } from "../failures/sql-network.ts";
import { sha256Hex } from "../../src/core/sha256.ts";
import { newCategories } from "../writes/database.ts";
import { createClient, problemOf, type Client } from "./client.ts";
import { createQueuedApi, db } from "./queued.ts";

interface Recommended {
  readonly basis: string;
  readonly items: readonly { readonly id: number; readonly stock: number }[];
}

const counted: number[] = [];
afterEach(async () => {
  await db.delete(productViews).where(inArray(productViews.productId, counted.splice(0)));
});

/** Products of a new category with these prices. The ids are in the order of the prices. */
async function newShelf(prices: readonly number[]): Promise<{ category: number; ids: number[] }> {
  const [category = 0] = await newCategories(db, 1);
  const rows = prices.map((priceCents) => ({
    ...{ name: "Shelf", description: "", priceCents, categoryId: category, stock: 5 },
  }));
  const made = await db.insert(products).values(rows).returning({ id: products.id });
  return { category, ids: made.map(({ id }) => id) };
}

async function setViews(productId: number, views: number): Promise<void> {
  counted.push(productId);
  await db.insert(productViews).values({ productId, views });
}

async function recommend(client: Client, id: number, apiKey?: string) {
  const headers = apiKey === undefined ? {} : { "X-API-Key": apiKey };
  const response = await client.send(`/products/${id}/recommendations`, { headers });
  expect(response.status).toBe(200);
  const { basis, items } = await response.json<Recommended>();
  return { basis, items, ids: items.map((item) => item.id), headers: response.headers };
}

async function view(client: Client, productId: number, apiKey: string): Promise<void> {
  const sent = await client.send("/events/views", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-API-Key": apiKey },
    body: JSON.stringify({ productId }),
  });
  expect(sent.status).toBe(202);
}

/** Returns the number of SQL requests that `work` sends, and its result. */
async function costOf<T>(work: () => Promise<T>): Promise<{ sent: number; value: T }> {
  const sql = interceptSql();
  try {
    const value = await work();
    return { sent: sql.sent.length, value };
  } finally {
    sql.restore();
  }
}

describe("GET /products/:id/recommendations at the level normal", () => {
  it("without an API key, the recommendations are the other products of the category, the most viewed first, then the nearest prices", async () => {
    const client = createClient();
    const { ids } = await newShelf([500, 900, 100, 520, 480_00]);
    const [shown = 0, viewed = 0, cheap = 0, near = 0, dear = 0] = ids;
    await setViews(viewed, 3);
    const { basis, ids: listed, headers } = await recommend(client, shown);
    expect([basis, listed]).toEqual(["product", [viewed, near, cheap, dear]]);
    expect(headers.get("Cache-Control")).toBe("max-age=0, must-revalidate");
    expect(headers.get("Vary")).toBe("X-API-Key");
  });

  it("a user with an API key gets products of the product's category and of the categories that this user viewed, in turn, in a private response", async () => {
    const api = createQueuedApi();
    const [shelf, other] = [await newShelf([10, 20, 30]), await newShelf([10, 20])];
    const [shown = 0, second, third] = shelf.ids;
    const [seen = 0, unseen] = other.ids;
    const ada = crypto.randomUUID();
    expect((await recommend(api, shown, ada)).ids).toEqual([second, third]);
    await view(api, seen, ada);
    await api.consume();
    const { basis, ids, headers } = await recommend(api, shown, ada);
    counted.push(seen);
    // The lists of views are up to 5 minutes old, but that of the other category was not loaded before.
    expect([basis, ids]).toEqual(["user", [second, seen, third, unseen]]);
    expect(headers.get("Cache-Control")).toBe("private, no-store");
    expect(headers.get("Vary")).toBe("X-API-Key");
  });

  it("two users and a client without a key that ask two isolates at once get no product that follows from the views of another user", async () => {
    const api = createQueuedApi();
    const other = createQueuedApi(api.own);
    const shelf = await newShelf([10, 20]);
    const [shown = 0] = shelf.ids;
    const owned: Record<string, number[]> = {};
    const [ada, bob] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const user of [ada, bob]) {
      const { ids } = await newShelf([10, 20]);
      owned[user] = ids;
      await view(api, ids[0] ?? 0, user);
      counted.push(ids[0] ?? 0);
    }
    await api.consume();
    const asked = [ada, bob, undefined, bob, ada, undefined].flatMap((user) =>
      [api, other].map(async (client) => ({ user, ...(await recommend(client, shown, user)) })),
    );
    for (const { user, ids } of await Promise.all(asked)) {
      const expected = [shelf.ids[1], ...(user === undefined ? [] : (owned[user] ?? []))];
      expect(new Set(ids), user ?? "without a key").toEqual(new Set(expected));
    }
  });

  it("an API key that is not configured gets the recommendations of a client without a key", async () => {
    const api = createClient({
      STRATA_DEV: "",
      API_KEYS: `${await sha256Hex("the key of ada")} ada`,
    });
    const { ids } = await newShelf([10, 20]);
    const basisOf = async (apiKey: string) => {
      const headers = { "CF-Connecting-IP": "192.0.2.7", "X-API-Key": apiKey };
      const response = await api.send(`/products/${ids[0]}/recommendations`, { headers });
      return (await response.json<Recommended>()).basis;
    };
    expect([await basisOf("the key of ada"), await basisOf("a guess")]).toEqual([
      "user",
      "product",
    ]);
  });

  it("cold recommendations cost one SQL request each for the product, the user's categories, the lists and the items; warm ones cost none; one changed item costs one and is shown at once", async () => {
    const client = createClient();
    const { ids } = await newShelf([10, 20, 30, 40]);
    const [shown = 0, changed = 0] = ids;
    const ask = () => recommend(client, shown, "ada");
    expect((await costOf(ask)).sent).toBe(4);
    expect((await costOf(ask)).sent).toBe(0);
    await client.write("PATCH", `/products/${changed}/stock`, { stock: 77 });
    const { sent, value } = await costOf(ask);
    expect([sent, value.items.find(({ id }) => id === changed)?.stock]).toEqual([1, 77]);
  });

  it("a deleted product is recommended no more, and a new product of the category is", async () => {
    const client = createClient();
    const { category, ids } = await newShelf([10, 20, 30]);
    const [shown = 0, deleted = 0, kept = 0] = ids;
    expect((await recommend(client, shown)).ids).toEqual([deleted, kept]);
    await client.write("DELETE", `/products/${deleted}`);
    expect((await recommend(client, shown)).ids).toEqual([kept]);
    const body = { name: "New", description: "", priceCents: 10, categoryId: category, stock: 1 };
    const made = await (await client.write("POST", "/products", body)).json<{ id: number }>();
    expect((await recommend(client, shown)).ids).toEqual([made.id, kept]);
  });

  it("the recommendations of a product that does not exist are a 404", async () => {
    const response = await createClient().send("/products/2000000003/recommendations");
    expect((await problemOf(response)).status).toBe(404);
  });
});

describe("GET /products/:id/recommendations while loads fail and the level is still the better one", () => {
  it.each(["normal", "degraded"])(
    "at the level %s, recommendations whose SQL requests fail are an empty list with status 200 and no-store, and are loaded again afterwards",
    async (level) => {
      const client = createClient();
      const { ids } = await newShelf([10, 20]);
      const shown = ids[0] ?? 0;
      await client.write("PUT", "/admin/degradation", { level });
      const sql = interceptSql();
      try {
        sql.behaviour = "fails";
        const { basis, items, headers } = await recommend(client, shown);
        expect([basis, items, headers.get("Cache-Control")]).toEqual(["none", [], "no-store"]);
        expect(sql.attempts()).toBeGreaterThan(0);
      } finally {
        sql.restore();
      }
      await vi.waitFor(async () => {
        expect((await recommend(client, shown)).items).not.toEqual([]);
      }, 10_000);
    },
  );
});

describe("GET /products/:id/recommendations at a pinned level", () => {
  it("at the level degraded, all products and users get the most viewed products from one entry, without the product itself, and no client stores the list", async () => {
    const client = createClient();
    const { ids } = await newShelf([10, 20, 30]);
    const [first = 0, second = 0, third = 0] = ids;
    await setViews(first, 9_000_000_003);
    await setViews(second, 9_000_000_002);
    await client.write("PUT", "/admin/degradation", { level: "degraded" });
    const { sent, value: cold } = await costOf(() => recommend(client, third));
    expect(sent).toBe(2);
    expect([cold.basis, cold.ids.slice(0, 2)]).toEqual(["popular", [first, second]]);
    expect(cold.items).toHaveLength(10);
    expect(cold.headers.get("Cache-Control")).toBe("no-store");
    const warm = await costOf(() => recommend(client, third, "ada"));
    expect([warm.sent, warm.value.ids]).toEqual([0, cold.ids]);
    expect((await recommend(client, first)).ids).not.toContain(first);
    expect((await recommend(client, first)).items).toHaveLength(10);
  });

  it("at the level minimal, the recommendations are an empty list with status 200 and no-store, and cost no SQL request", async () => {
    const client = createClient();
    const { ids } = await newShelf([10, 20]);
    await client.write("PUT", "/admin/degradation", { level: "minimal" });
    const { sent, value } = await costOf(() => recommend(client, ids[0] ?? 0));
    const { basis, items, headers } = value;
    expect([sent, basis, items, headers.get("Cache-Control")]).toEqual([0, "none", [], "no-store"]);
    await client.write("PUT", "/admin/degradation", { level: "auto" });
    expect((await recommend(client, ids[0] ?? 0)).ids).toEqual([ids[1]]);
  });

  it.each(["normal", "degraded", "minimal"])(
    "at the level %s, a malformed id and an unknown query parameter get a 400",
    async (level) => {
      const client = createClient();
      await client.write("PUT", "/admin/degradation", { level });
      for (const path of ["/products/0x1/recommendations", "/products/1/recommendations?limit=5"])
        expect((await problemOf(await client.send(path))).status).toBe(400);
    },
  );
});
