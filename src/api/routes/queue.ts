import { Hono } from "hono";
import type { StrataEnv } from "../../index.ts";
import { noQuery } from "../inputs.ts";
import type { AppServices } from "../services.ts";

const NO_STORE = { "Cache-Control": "no-store" };

/** `/admin/queue`: whether the consumer is paused and how many messages wait; and its pause. */
export function queueRoutes({ jobs: { messages } }: AppServices): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  async function report() {
    const [{ paused, backlog, oldestAt }, deadLetters] = await Promise.all([
      messages.state(),
      messages.deadLetters.count(),
    ]);
    return {
      bound: messages.isBound,
      paused,
      ...(backlog !== undefined && { backlog }),
      ...(oldestAt !== undefined && { oldestAt: new Date(oldestAt).toISOString() }),
      deadLetters,
    };
  }

  routes.get("/", async (c) => {
    noQuery(c);
    return c.json(await report(), 200, NO_STORE);
  });

  routes.post("/pause", async (c) => {
    noQuery(c);
    await messages.pause();
    return c.json(await report(), 200, NO_STORE);
  });

  routes.post("/resume", async (c) => {
    noQuery(c);
    await messages.resume();
    return c.json(await report(), 200, NO_STORE);
  });

  return routes;
}
