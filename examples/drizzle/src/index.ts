import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { createStrata } from "strata";
import { withCache } from "strata/drizzle";
import { products } from "./schema";

interface Env {
  readonly DB: D1Database;
}

const strata = createStrata({ namespace: "drizzle" });

/** A product, with the time at which the database answered: it stays while the cache answers. */
const COLUMNS = {
  id: products.id,
  name: products.name,
  stock: products.stock,
  readAt: sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ')`,
};

export default {
  async fetch(request, env) {
    const found = /^\/products\/(\d{1,9})$/.exec(new URL(request.url).pathname)?.[1];
    if (found === undefined) return new Response("no such page\n", { status: 404 });
    const isProduct = eq(products.id, Number(found));
    const db = withCache(drizzle(env.DB), strata, { database: "shop", freshFor: "5m" });

    if (request.method === "POST") {
      const stock = sql`${products.stock} + 1`;
      const changed = await db.update(products).set({ stock }).where(isProduct).returning();
      return Response.json(changed[0] ?? null, { status: changed.length > 0 ? 200 : 404 });
    }
    const [product] = await db.select(COLUMNS).from(products).where(isProduct).$withCache();
    return Response.json(product ?? null, { status: product === undefined ? 404 : 200 });
  },
} satisfies ExportedHandler<Env>;
