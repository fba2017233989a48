import { Hono } from "hono";
import { etag } from "hono/etag";
import { respond, respondNonexistent, type StrataEnv } from "../../index.ts";
import { auditAction, type Admin } from "../admin.ts";
import { notFound } from "../errors.ts";
import { idOf, noQuery, userIdsOf } from "../inputs.ts";
import { userKind } from "../kinds.ts";
import { findPrivateUsers, findUsers, type User } from "../queries.ts";
import type { AppServices } from "../services.ts";

/** The response depends on the admin token and on the session. */
const VARY = "Authorization, Cookie";
/** The headers of a response with private fields, which only the user and the admin token get. No cache may store it. */
const PRIVATE = { "Cache-Control": "private, no-store", Vary: VARY };

const missing = (id: number): string => `There is no user ${id}.`;

/** Adds `Vary`, because the response to the user itself or to the admin token is different. */
function varying(response: Response): Response {
  response.headers.set("Vary", VARY);
  return response;
}

export function userRoutes(
  { db, existence, sessions }: AppServices,
  admin: Admin,
): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const viewer = await admin.viewer(c);
    const strata = c.get("strata");
    if (!(await userKind.mayExist(id, existence, strata)))
      return varying(respondNonexistent(c, missing(id)));
    // A single read and a batch read use the same entries.
    const { keyOf, policy } = userKind;
    const lookup = await strata.cache.read<User>(keyOf(id), policy, async (load) => {
      load.tag(userKind.tagOf(id));
      return (await findUsers(db, [id]))[0];
    });
    const { value } = lookup;
    if (value === undefined) {
      existence.missed(userKind.name, strata.ctx);
      return varying(notFound(missing(id)));
    }
    if (viewer === "admin" || (await sessions.current(c))?.user === String(id)) {
      const hidden = await findPrivateUsers(db, [id]);
      return c.json({ ...value, ...hidden.get(id) }, 200, PRIVATE);
    }
    return varying(respond(c, lookup));
  });

  routes.get("/", etag(), async (c) => {
    const ids = userIdsOf(c);
    const viewer = await admin.viewer(c);
    const strata = c.get("strata");
    const mayExist = await Promise.all(
      ids.map(async (id) => userKind.mayExist(id, existence, strata)),
    );
    const keys = ids.filter((_, at) => mayExist[at]).map(userKind.keyOf);
    const { policy } = userKind;
    const found = await strata.cache.readMany<User>(keys, policy, userKind.loader(db));
    const items = keys.flatMap((name) => found.get(name)?.value ?? []);
    const present = new Set(items.map(({ id }) => id));
    const missing = ids.filter((id) => !present.has(id));
    if (missing.length > 0) existence.missed(userKind.name, strata.ctx);
    if (viewer === "anybody")
      return c.json({ items, missing }, 200, {
        "Cache-Control": "max-age=0, must-revalidate",
        Vary: "Authorization",
      });
    auditAction(
      c,
      undefined,
      [...present].map((id) => ["id", String(id)]),
    );
    const hidden = await findPrivateUsers(db, [...present]);
    const whole = items.map((user) => ({ ...user, ...hidden.get(user.id) }));
    return c.json({ items: whole, missing }, 200, PRIVATE);
  });

  return routes;
}
