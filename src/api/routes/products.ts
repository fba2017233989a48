import { Hono } from "hono";
import { cached, key, respond, respondNonexistent, type StrataEnv } from "../../index.ts";
import { idOf, noQuery, productListOf } from "../inputs.ts";
import { categoryFilter, productKind } from "../kinds.ts";
import { createListEnds } from "../list-ends.ts";
import { findProducts, listProducts, pageOf, type Product } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { tagsOfList } from "../tags.ts";

const missing = (id: number): string => `There is no product ${id}.`;

export function productRoutes({ db, existence }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const ends = createListEnds(db);

  routes.get(
    "/",
    // Made-up categories and pages are answered here, so that they never become keys.
    async (c, next) => {
      const { page, category } = productListOf(c);
      const { strata } = c.var;
      const empty = (total: number) =>
        c.json(pageOf(page, [], total), 200, { "Cache-Control": "max-age=0, must-revalidate" });
      if (category !== undefined && (await categoryFilter.cannotExist(category, existence, strata)))
        return respondNonexistent(c, empty(0));
      const total = await ends.totalBefore(page, category, strata);
      return total === undefined ? next() : empty(total);
    },
    cached({
      freshFor: "5m",
      staleWhileRevalidate: "1m",
      staleIfError: "1h",
      tags: (c) => tagsOfList(productListOf(c).category),
      key: (c) => {
        const { page, category } = productListOf(c);
        return category === undefined
          ? key("products", "all", page)
          : key("products", "category", category, page);
      },
    }),
    async (c) => {
      const { page, category } = productListOf(c);
      const { strata } = c.var;
      const { items, total: carried } = await listProducts(db, page, category);
      const total = carried ?? (await ends.totalAfterMiss(category, strata));
      if (category !== undefined && total === 0) categoryFilter.missed(existence, strata);
      // The list carries the tag of each product on it, so that a change of a product invalidates
      // only the lists that show it.
      strata.tag(...items.map(({ id }) => `product:${id}`));
      return c.json(pageOf(page, items, total));
    },
  );

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const { strata } = c.var;
    if (await productKind.cannotExist(id, existence, strata))
      return respondNonexistent(c, missing(id));
    const lookup = await strata.cache.read<Product>(
      productKind.keyOf(id),
      productKind.policy,
      async (load) => {
        load.tag(productKind.tagOf(id));
        return (await findProducts(db, [id]))[0];
      },
    );
    if (lookup.entry?.kind === "absent") existence.missed(productKind.name, strata.ctx);
    return respond(c, lookup, missing(id));
  });

  return routes;
}
