/** The database of the local services, and rows that only one test uses. */
import { env } from "cloudflare:workers";
import { asc, eq, sql } from "drizzle-orm";
import { categories, products } from "../../src/api/schema.ts";
import { createDatabase, type Database } from "../../src/origin/neon.ts";
import { outbox } from "../../src/writes/schema.ts";

export function testDatabase(timeoutMs = 5_000): Database {
  return createDatabase({
    databaseUrl: env.DATABASE_URL,
    neonEndpoint: env.NEON_ENDPOINT,
    timeoutMs,
    now: () => Date.now(),
  });
}

export async function newCategories(db: Database, howMany: number): Promise<number[]> {
  const rows = Array.from({ length: howMany }, () => ({
    name: crypto.randomUUID(),
    description: "",
  }));
  const made = await db.insert(categories).values(rows).returning({ id: categories.id });
  return made.map(({ id }) => id);
}

export async function newProduct(db: Database, categoryId: number): Promise<number> {
  const product = { name: "Oak Peg", description: "", priceCents: 100, categoryId, stock: 5 };
  const [made] = await db.insert(products).values(product).returning({ id: products.id });
  return made?.id ?? 0;
}

export async function stockOf(db: Database, id: number): Promise<number | undefined> {
  const [row] = await db
    .select({ stock: products.stock })
    .from(products)
    .where(eq(products.id, id));
  return row?.stock;
}

export type Row = typeof outbox.$inferSelect;

/** The rows of the outbox with this log key, or all rows. */
export async function outboxRows(db: Database, logKey?: string): Promise<Row[]> {
  return db
    .select()
    .from(outbox)
    .where(logKey === undefined ? undefined : sql`${logKey} = any(${outbox.logKeys})`)
    .orderBy(asc(outbox.id));
}
