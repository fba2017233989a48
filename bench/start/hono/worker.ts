/** A Hono application with one route. */
import { Hono } from "hono";

const app = new Hono();
app.get("/products/:id", (c) => c.json({ id: c.req.param("id") }));

export default app;
