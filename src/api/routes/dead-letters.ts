import { Hono } from "hono";
import type { DeadLetter, StrataEnv } from "../../index.ts";
import { auditAction } from "../admin.ts";
import { notFound } from "../errors.ts";
import { bodyOf, noQuery } from "../inputs.ts";
import { positionOf, ReplayAll } from "../message-inputs.ts";
import { queueUnavailable, requireQueue } from "../queue-problem.ts";
import type { AppServices } from "../services.ts";

const PAGE_SIZE = 50;
const NO_STORE = { "Cache-Control": "no-store" };

/**
 * `/admin/dead-letters`: the messages that the consumer has given up. They can be listed, tried
 * without an effect, sent again, and deleted.
 */
export function deadLetterRoutes({ jobs: { messages } }: AppServices): Hono<StrataEnv> {
  const { deadLetters } = messages;
  const routes = new Hono<StrataEnv>();
  const missing = (id: string) => notFound(`There is no dead letter ${id}.`);

  routes.get("/", async (c) => {
    const after = positionOf(c);
    const [letters, counts] = await Promise.all([
      deadLetters.list(after, PAGE_SIZE + 1),
      deadLetters.count(),
    ]);
    const items = letters.slice(0, PAGE_SIZE);
    const next = letters.length > PAGE_SIZE ? items.at(-1)?.position : undefined;
    // A list shows no payloads.
    const rows = items.map((letter) => {
      const { message: _message, ...row } = describe(letter);
      return row;
    });
    return c.json({ items: rows, ...counts, ...(next !== undefined && { next }) }, 200, NO_STORE);
  });

  routes.post("/replay", async (c) => {
    requireQueue(messages);
    const { perSecond = 10 } = await bodyOf(c, ReplayAll);
    auditAction(c, undefined, [["everything", ""]]);
    const replay = await deadLetters.replayAll(perSecond, c.var.strata.ctx);
    if (!replay.ok) throw queueUnavailable(replay.fault);
    return c.json(replay.value, 202, NO_STORE);
  });

  routes.get("/:id", async (c) => {
    noQuery(c);
    const id = c.req.param("id");
    const letter = await deadLetters.find(id);
    return letter === undefined ? missing(id) : c.json(describe(letter), 200, NO_STORE);
  });

  routes.post("/:id/dry-run", async (c) => {
    noQuery(c);
    const id = c.req.param("id");
    const trial = await deadLetters.dryRun(id);
    return trial === undefined ? missing(id) : c.json(trial, 200, NO_STORE);
  });

  routes.post("/:id/replay", async (c) => {
    requireQueue(messages);
    noQuery(c);
    const id = c.req.param("id");
    const replay = await deadLetters.replay(id, c.var.strata.ctx);
    if (replay === undefined) return missing(id);
    if (!replay.ok) throw queueUnavailable(replay.fault);
    return c.json(replay.value, 202, NO_STORE);
  });

  routes.delete("/:id", async (c) => {
    noQuery(c);
    const id = c.req.param("id");
    return (await deadLetters.discard(id)) ? c.body(null, 204, NO_STORE) : missing(id);
  });

  return routes;
}

function describe({ firstAt, lastAt, replayedAt, ...letter }: DeadLetter) {
  return {
    ...letter,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    ...(replayedAt !== undefined && { replayedAt: new Date(replayedAt).toISOString() }),
  };
}
