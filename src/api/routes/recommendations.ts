import { Hono, type Context } from "hono";
import {
  CacheUnavailable,
  respondNonexistent,
  withDegradation,
  type StrataEnv,
} from "../../index.ts";
import { notFound } from "../errors.ts";
import { idOf, noQuery } from "../inputs.ts";
import { productKind } from "../kinds.ts";
import { createRecommender } from "../recommendations.ts";
import type { AppServices } from "../services.ts";

/** The answer depends on the user of this field, so a cache between the client and this Worker keeps users apart. */
const VARY = { Vary: "X-API-Key" };

function none(c: Context): Response {
  return c.json({ basis: "none", items: [] }, 200, { "Cache-Control": "no-store" });
}

/** Answers with none if a load fails before the level has changed. */
function orNone(answer: (c: Context<StrataEnv>) => Promise<Response>) {
  return async (c: Context<StrataEnv>): Promise<Response> => {
    try {
      return await answer(c);
    } catch (error) {
      if (error instanceof CacheUnavailable) return none(c);
      throw error;
    }
  };
}

/**
 * `GET /products/:id/recommendations`: other products for a page that shows this one. At the level
 * degraded they are the most viewed products of all, and at the level minimal none: the page can do
 * without them. Both levels answer without looking whether the product exists.
 */
export function recommendationRoutes(services: AppServices): Hono<StrataEnv> {
  const { db, existence, rateLimits } = services;
  const routes = new Hono<StrataEnv>();
  const recommender = createRecommender(db);

  routes.get(
    "/:id/recommendations",
    (c, next) => {
      noQuery(c);
      idOf(c);
      return next();
    },
    withDegradation("recommendations", {
      normal: orNone(async (c) => {
        const id = idOf(c);
        const strata = c.get("strata");
        const missing = `There is no product ${id}.`;
        if (!(await productKind.mayExist(id, existence, strata)))
          return respondNonexistent(c, missing);
        const product = await recommender.product(id, strata);
        if (product === undefined) {
          existence.missed(productKind.name, strata.ctx);
          return notFound(missing);
        }
        const user = await rateLimits.userOf(c);
        const items = await recommender.similar(product, user?.id, strata);
        if (user === undefined)
          return c.json({ basis: "product", items }, 200, {
            "Cache-Control": "max-age=0, must-revalidate",
            ...VARY,
          });
        return c.json({ basis: "user", items }, 200, {
          "Cache-Control": "private, no-store",
          ...VARY,
        });
      }),
      degraded: orNone(async (c) =>
        c.json({ basis: "popular", items: await recommender.popular(idOf(c), c.get("strata")) }),
      ),
      minimal: none,
    }),
  );

  return routes;
}
