import { Hono } from "hono";
import { cached, key, type StrataEnv } from "../../index.ts";
import { CATALOGUE } from "../catalogue.ts";
import { noQuery } from "../inputs.ts";
import { listCategories } from "../queries.ts";
import type { AppServices } from "../services.ts";

export function categoryRoutes({ db }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get(
    "/",
    cached({
      ...CATALOGUE.categories,
      tags: ["categories"],
      key: (c) => {
        noQuery(c);
        return key("categories", "all");
      },
    }),
    async (c) => c.json(await listCategories(db)),
  );

  return routes;
}
