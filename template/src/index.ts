import { Hono } from "hono";
import { createStrata } from "strata";
import { cached, middleware, type StrataEnv } from "strata/hono";

const strata = createStrata({ namespace: "my-worker" });
const app = new Hono<StrataEnv>();

app.use(middleware(strata, app));
app.get("/hello/:name", cached({ freshFor: "5m", tags: ["greetings"] }), (c) =>
  c.text(`Hello, ${c.req.param("name")}, at ${new Date().toISOString()}\n`),
);
app.delete("/hello", async (c) => {
  await strata.open(c.executionCtx).invalidateTags("greetings");
  return c.body(null, 204);
});

export default app;
