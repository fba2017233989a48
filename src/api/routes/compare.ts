import { Hono } from "hono";
import type { AdminTools, Prediction, StrataEnv } from "../../index.ts";
import { auditAction } from "../admin.ts";
import type { CompareAnswer } from "../compare-answer.ts";
import { candidateOf, CompareQuery } from "../compare-inputs.ts";
import { parse, queryOf } from "../inputs.ts";

/**
 * `GET /admin/compare?kind=&a=&b=`: what two settings would do with the recorded reads of a kind. It
 * changes nothing.
 */
export function compareRoutes({ compare }: Pick<AdminTools, "compare">): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    const { kind, a, b } = parse(CompareQuery, queryOf(c), "query");
    auditAction(c, undefined, [["kind", kind]]);
    const { from, to, predictions, ...recorded } = await compare(kind, [a, b].map(candidateOf));
    const answer: CompareAnswer = {
      kind,
      ...recorded,
      kinds: [...recorded.kinds],
      from: instantOf(from),
      to: instantOf(to),
      a: describe(a, predictions?.[0]),
      b: describe(b, predictions?.[1]),
    };
    return c.json(answer, 200, { "Cache-Control": "no-store" });
  });

  return routes;
}

const describe = (settings: string, prediction: Prediction | undefined): CompareAnswer["a"] =>
  prediction === undefined ? null : { settings, ...prediction };

const instantOf = (at: number | undefined): string | null =>
  at === undefined ? null : new Date(at).toISOString();
