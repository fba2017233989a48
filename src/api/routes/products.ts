import { Hono } from "hono";
import { cached, key, type StrataEnv } from "../../index.ts";
import { notFound } from "../errors.ts";
import { idOf, noQuery, productListOf } from "../inputs.ts";
import { findProduct, listProducts } from "../queries.ts";
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

  routes.get(
    "/:id",
    cached({
      freshFor: "1h",
      staleWhileRevalidate: "5m",
      staleIfError: "1d",
      negativeFor: "1m",
      tags: (c) => [`product:${idOf(c)}`],
      key: (c) => {
        noQuery(c);
        return key("product", idOf(c));
      },
    }),
    async (c) => {
      const id = idOf(c);
      const product = await findProduct(db, id);
      return product ? c.json(product) : notFound(`There is no product ${id}.`);
    },
  );

  return routes;
}
