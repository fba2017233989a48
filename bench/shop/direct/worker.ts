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

function readProducts(db: Database, { pathname, searchParams }: URL): Promise<unknown> {
  const [, , id, part] = pathname.split("/");
  const popular = async (limit: number) => findProducts(db, await listPopularIds(db, limit));
  if (id === "trending") return popular(PAGE_SIZE);
  if (part === "recommendations") return popular(RECOMMENDED);
  if (id !== undefined) return findProducts(db, [Number(id)]);
  const category = searchParams.get("category");
  const page = Number(searchParams.get("page") ?? 1);
  return listProducts(db, page, category === null ? undefined : Number(category));
}

function readUsers(db: Database, { pathname, searchParams }: URL): Promise<unknown> {
  const [, , id = searchParams.get("ids") ?? ""] = pathname.split("/");
  return findUsers(db, id.split(",").map(Number));
}

const ROOMS: Readonly<Record<string, (db: Database, url: URL) => Promise<unknown>>> = {
  products: readProducts,
  users: readUsers,
  categories: (db) => listCategories(db),
  settings: async (db) => db.select().from(shopSettings),
};

export default {
  async fetch(request, env) {
    connected ??= createDatabase({
      databaseUrl: env.DATABASE_URL,
      neonEndpoint: env.NEON_ENDPOINT,
      timeoutMs: 5_000,
      now: () => Date.now(),
    });
    const url = new URL(request.url);
    const read = ROOMS[url.pathname.split("/")[1] ?? ""];
    if (read === undefined) return new Response(null, { status: 404 });
    return Response.json(await read(connected, url));
  },
} satisfies ExportedHandler<Env>;
