/** Isolates with a cached database of drizzle-orm, over the local Postgres. */
import { env } from "cloudflare:workers";
import { neon, neonConfig } from "@neondatabase/serverless";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/neon-http";
import { withCache, type DrizzleCacheOptions } from "../../src/entries/drizzle.ts";
import { categories } from "../../src/api/schema.ts";
import { newCategories, testDatabase } from "../writes/database.ts";
import { createIsolates, type StrataIsolates } from "./isolates.ts";

// The settings of the driver are global. The database of the layer has the same function.
neonConfig.fetchFunction = (url: string, { send, ...init }: RequestInit & { send: Send }) =>
  send(url, init);
type Send = (url: string, init: RequestInit) => Promise<Response>;

/** An isolate with a cached database, and the number of requests that it sent to Postgres. */
export function createShop(isolates: StrataIsolates, options: Partial<DrizzleCacheOptions> = {}) {
  const { strata, events } = isolates.start();
  const sent = { requests: 0 };
  const client = neon(env.DATABASE_URL, {
    fetchOptions: {
      send(_url: string, init: RequestInit) {
        sent.requests++;
        return fetch(env.NEON_ENDPOINT, init);
      },
    },
  });
  const db = withCache(drizzle(client), strata, { database: "shop", freshFor: "10m", ...options });
  const select = (id: number) =>
    db
      .select({ description: categories.description })
      .from(categories)
      .where(eq(categories.id, id));
  return {
    db,
    events,
    sent,
    select,
    /** Reads the description of a category through the cache. */
    async read(id: number) {
      const [row] = await select(id).$withCache();
      return row?.description;
    },
    write: (id: number, description: string) =>
      db.update(categories).set({ description }).where(eq(categories.id, id)),
    /** Reads, and returns the number of requests to Postgres that it took. */
    async costOf(read: () => Promise<unknown>) {
      const before = sent.requests;
      await read();
      return sent.requests - before;
    },
  };
}

export async function setup(options: Partial<DrizzleCacheOptions> = {}) {
  const isolates = createIsolates();
  const here = createShop(isolates, options);
  const away = createShop(isolates, options);
  const [id = 0] = await newCategories(testDatabase(), 1);
  return { isolates, here, away, id };
}
