import { Hono } from "hono";
import { cached, key, respond, respondNonexistent, type StrataEnv } from "../../index.ts";
import { CATALOGUE } from "../catalogue.ts";
import { idOf, noQuery, productListOf } from "../inputs.ts";
import { categoryFilter, productKind } from "../kinds.ts";
import { createProductLists } from "../product-lists.ts";
import { findProducts, pageOf, type Product } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { tagsOfList } from "../tags.ts";

const missing = (id: number): string => `There is no product ${id}.`;

/**
 * The responses of lists are stored too, so that a hit makes no JSON. A response takes over the tags of
 * the ids and of the products that it was made of. So a change of a product invalidates the lists that
 * show it, and no others.
 */
export function productRoutes({ db, existence }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const lists = createProductLists(db);

  routes.get(
    "/",
    // Made-up categories and pages are answered here, so that they never become keys.
    async (c, next) => {
      const { page, category } = productListOf(c);
      const strata = c.get("strata");
      const empty = (total: number) =>
        c.json(pageOf(page, [], total), 200, { "Cache-Control": "max-age=0, must-revalidate" });
      if (category !== undefined && !(await categoryFilter.mayExist(category, existence, strata)))
        return respondNonexistent(c, empty(0));
      const total = await lists.ends.totalBefore(page, category, strata);
      return total === undefined ? next() : empty(total);
    },
    cached({
      ...CATALOGUE.productList,
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
      const strata = c.get("strata");
      const list = await lists.page(page, category, strata);
      if (category !== undefined && list.total === 0) categoryFilter.missed(existence, strata);
      return c.json(list);
    },
  );

  routes.get(
    "/trending",
    cached({
      ...CATALOGUE.trending,
      tags: ["products"],
      key: (c) => {
        noQuery(c);
        return key("products", "trending");
      },
    }),
    async (c) => c.json(await lists.trending(c.get("strata"))),
  );

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const strata = c.get("strata");
    const exists = productKind.mayExist(id, existence, strata);
    // `await` is used only for a promise, because awaiting a plain value costs a turn of the queue.
    if (!(exists instanceof Promise ? await exists : exists))
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
