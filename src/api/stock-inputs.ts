/** The inputs of the routes of live stock. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { parse, queryOf } from "./inputs.ts";

/**
 * A browser's WebSocket cannot send the field `Last-Event-ID`, so the id may be a parameter. An id
 * that is not known is no mistake of the client: it gets the state anew.
 */
export const StockListener = z.strictObject({
  lastEventId: z.optional(z.string().check(z.maxLength(64, "must have at most 64 characters"))),
});

/** Returns the id that the request names. @throws {ApiProblem} 400 if a parameter is wrong */
export function lastEventIdOf(c: Context): string | undefined {
  const { lastEventId } = parse(StockListener, queryOf(c));
  return c.req.header("Last-Event-ID") ?? lastEventId;
}
