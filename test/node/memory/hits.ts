/** A Worker whose routes are hits in memory after their first request, and routes without a cache. */
import { Hono } from "hono";
import { createStrata, definePolicy, key } from "../../../src/entries/data.ts";
import { cached, middleware, respond, type StrataEnv } from "../../../src/entries/hono.ts";

const PRODUCT = { id: 42, name: "Mechanical keyboard", price: "129.00", stock: 7 };
const PRODUCTS = definePolicy({ freshFor: "1h" });

const strata = createStrata({ namespace: "hits" });
const app = new Hono<StrataEnv>();
app.get("/bare/:id", (c) => c.json(PRODUCT));
// 500 elements of 4 bytes: V8 has compressed pointers in workerd.
app.get("/array/:id", (c) =>
  c.json(PRODUCT, Array.from({ length: 500 }, () => 0).length === 500 ? 200 : 500),
);
app.use(middleware(strata, app));
app.get("/cached/:id", cached({ freshFor: "1h" }), (c) => c.json(PRODUCT));
app.get("/read/:id", async (c) => {
  const id = key("product", c.req.param("id"));
  return respond(c, await c.get("strata").cache.read(id, PRODUCTS, async () => PRODUCT));
});

export default app;
