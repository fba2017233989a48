import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { definePolicy, key, respond, type Database, type StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { CATALOGUE } from "../catalogue.ts";
import { bodyOf, noQuery } from "../inputs.ts";
import { shopSettings } from "../schema.ts";
import type { AppServices } from "../services.ts";
import { WholeSettings, type Settings } from "../settings-inputs.ts";
import { SETTINGS } from "../tags.ts";
import { headersOf } from "./product-writes.ts";

const POLICY = definePolicy({ ...CATALOGUE.settings, tags: [SETTINGS] });

type Row = typeof shopSettings.$inferSelect;

function toSettings({ id: _id, updatedAt, ...fields }: Row): Settings {
  return { ...fields, updatedAt: updatedAt.toISOString() };
}

async function findSettings(db: Database): Promise<Settings | undefined> {
  const rows = await db.select().from(shopSettings);
  return rows.map(toSettings)[0];
}

/** `GET /settings`: the settings of the shop, which every page shows. `PUT /settings` replaces them. */
export function settingsRoutes(
  { db, writer, idempotent }: AppServices,
  admin: Admin,
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    noQuery(c);
    const lookup = await c
      .get("strata")
      .cache.read(key("settings", "shop"), POLICY, () => findSettings(db));
    return respond(c, lookup);
  });

  routes.put("/", admin.required, idempotent(), async (c) => {
    const settings = { ...(await bodyOf(c, WholeSettings)), updatedAt: sql`now()` };
    const written = await writer.mutate<Row>(
      {
        statements: [
          db
            .insert(shopSettings)
            .values(settings)
            .onConflictDoUpdate({ target: shopSettings.id, set: settings })
            .returning(),
        ],
        tags: [SETTINGS],
      },
      c.get("strata").ctx,
    );
    return c.json(written.value && toSettings(written.value), 200, headersOf(written));
  });

  return routes;
}
