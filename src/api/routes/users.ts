import { Hono } from "hono";
import { etag } from "hono/etag";
import { respond, type StrataEnv } from "../../index.ts";
import type { Admin } from "../admin.ts";
import { notFound } from "../errors.ts";
import { cannotExist, DENIED } from "../existing.ts";
import { idOf, noQuery, userIdsOf } from "../inputs.ts";
import { userKind } from "../kinds.ts";
import { findPrivateUsers, findUsers, type User } from "../queries.ts";
import type { AppServices } from "../services.ts";

/** What the admin token opens is for its owner's eyes, and never in a shared entry. */
const PRIVATE = { "Cache-Control": "private, no-store", Vary: "Authorization" };

function missing(id: number): Response {
  const response = notFound(`There is no user ${id}.`);
  response.headers.set("Vary", "Authorization");
  return response;
}

export function userRoutes({ db, existence }: AppServices, admin: Admin): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const viewer = await admin.viewer(c);
    if (await cannotExist(c.get("strata"), existence, userKind, id)) {
      c.get("strata").cacheStatusOverride = DENIED;
      return missing(id);
    }
    // Read alone or in a batch: both share the entries.
    const { keyOf, policy } = userKind;
    const lookup = await c.get("strata").cache.read<User>(keyOf(id), policy, async (load) => {
      load.tag(userKind.tagOf(id));
      return (await findUsers(db, [id]))[0];
    });
    const { value } = lookup;
    if (viewer === "admin" && value !== undefined) {
      const hidden = await findPrivateUsers(db, [id]);
      return c.json({ ...value, ...hidden.get(id) }, 200, PRIVATE);
    }
    if (value === undefined) {
      existence.missed(userKind.name, c.get("strata").ctx);
      return missing(id);
    }
    const response = respond(c, lookup);
    response.headers.set("Vary", "Authorization");
    return response;
  });

  routes.get("/", etag(), async (c) => {
    const ids = userIdsOf(c);
    const viewer = await admin.viewer(c);
    const possible = await Promise.all(
      ids.map(async (id) => ({
        id,
        not: await cannotExist(c.get("strata"), existence, userKind, id),
      })),
    );
    const keys = possible.filter(({ not }) => !not).map(({ id }) => userKind.keyOf(id));
    const { policy } = userKind;
    const found = await c.get("strata").cache.readMany<User>(keys, policy, userKind.loader(db));
    const items = keys.flatMap((name) => found.get(name)?.value ?? []);
    const present = new Set(items.map(({ id }) => id));
    const missing = ids.filter((id) => !present.has(id));
    if (missing.length > 0) existence.missed(userKind.name, c.get("strata").ctx);
    if (viewer === "anybody")
      return c.json({ items, missing }, 200, {
        "Cache-Control": "max-age=0, must-revalidate",
        Vary: "Authorization",
      });
    const hidden = await findPrivateUsers(db, [...present]);
    const whole = items.map((user) => ({ ...user, ...hidden.get(user.id) }));
    return c.json({ items: whole, missing }, 200, PRIVATE);
  });

  return routes;
}
