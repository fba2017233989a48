import { Hono } from "hono";
import { cached, key, respond, type StrataEnv } from "../../index.ts";
import { idOf, noQuery, productListOf } from "../inputs.ts";
import { productKind } from "../kinds.ts";
import { findProducts, listProducts, type Product } from "../queries.ts";
import type { AppServices } from "../services.ts";
import { tagsOfList } from "../tags.ts";

export function productRoutes({ db }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get(
    "/",
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
      const list = await listProducts(db, page, category);
      // So a change of one product that moves no other reaches just the lists that show it.
      c.var.strata.tag(...list.items.map(({ id }) => `product:${id}`));
      return c.json(list);
    },
  );

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = idOf(c);
    const lookup = await c.var.strata.cache.read<Product>(
      productKind.keyOf(id),
      productKind.policy,
      async (load) => {
        load.tag(`product:${id}`);
        return (await findProducts(db, [id]))[0];
      },
    );
    return respond(c, lookup, `There is no product ${id}.`);
  });

  return routes;
}
