/** The shop without a cache: each request asks the database, with the queries of the reference API. */
import { asc, eq, sql } from "drizzle-orm";
import {
  findProducts,
  findUsers,
  listCategories,
  listPopularIds,
} from "../../../src/api/queries.ts";
import { products, shopSettings } from "../../../src/api/schema.ts";
import { createDatabase, type Database } from "../../../src/origin/neon.ts";

interface Env {
  readonly DATABASE_URL: string;
  readonly NEON_ENDPOINT: string;
}

const PAGE_SIZE = 20;
const RECOMMENDED = 10;

let connected: Database | undefined;

/** One query reads the products of a page and the total, which is the best that a list without a cache can do. */
function listProducts(db: Database, page: number, category: number | undefined) {
  return db
    .select({ product: products, total: sql<number>`count(*) over ()`.mapWith(Number) })
    .from(products)
    .where(category === undefined ? undefined : eq(products.categoryId, category))
    .orderBy(asc(products.id))
    .limit(PAGE_SIZE)
    .offset((page - 1) * PAGE_SIZE);
}

async function answer(db: Database, { pathname, searchParams }: URL): Promise<unknown> {
  const [, room, id, part] = pathname.split("/");
  switch (room) {
    case "categories":
      return listCategories(db);
    case "settings":
      return db.select().from(shopSettings);
    case "users": {
      const ids = id === undefined ? (searchParams.get("ids") ?? "").split(",") : [id];
      return findUsers(db, ids.map(Number));
    }
    case "products":
      if (id === "trending") return findProducts(db, await listPopularIds(db, PAGE_SIZE));
      if (part === "recommendations")
        return findProducts(db, await listPopularIds(db, RECOMMENDED));
      if (id !== undefined) return findProducts(db, [Number(id)]);
      return listProducts(
        db,
        Number(searchParams.get("page") ?? 1),
        searchParams.has("category") ? Number(searchParams.get("category")) : undefined,
      );
    default:
      throw new Error(`no such path: ${pathname}`);
  }
}

export default {
  async fetch(request, env) {
    connected ??= createDatabase({
      databaseUrl: env.DATABASE_URL,
      neonEndpoint: env.NEON_ENDPOINT,
      timeoutMs: 5_000,
      now: () => Date.now(),
    });
    return Response.json(await answer(connected, new URL(request.url)));
  },
} satisfies ExportedHandler<Env>;
