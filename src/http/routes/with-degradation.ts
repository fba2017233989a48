import type { Context as HonoContext, Handler } from "hono";
import type { DegradationLevel } from "../../core/degradation-level.ts";
import { DefinitionError } from "../../core/faults.ts";
import { internalScopeOf } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";

type Answer = (c: HonoContext<StrataEnv>) => Response | Promise<Response>;

/** One answer for each level. A level without an answer of its own uses that of the next better one. */
export interface LevelAnswers {
  /** The answer while all dependencies work. */
  readonly normal: Answer;
  /** The answer at the level `degraded`. Default: `normal`. */
  readonly degraded?: Answer;
  /** The answer at the level `minimal`. Default: `degraded`. */
  readonly minimal?: Answer;
}

const FEATURE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Returns a handler that answers as well as the level of service allows. An answer of another level
 * than normal is not stored, neither by a cached route nor by the client.
 *
 * @param feature the name of the feature in metrics: at most 64 lower-case letters, digits, and `._-`
 * @throws {DefinitionError} if the name is not of this form
 * @example
 * app.get("/products/:id/similar", withDegradation("similar", {
 *   normal: (c) => c.json([{ id: 2, score: 0.9 }]),
 *   minimal: (c) => c.json([]),
 * }));
 */
export function withDegradation(feature: string, answers: LevelAnswers): Handler<StrataEnv> {
  if (!FEATURE.test(feature))
    throw new DefinitionError("feature", "must have 1 to 64 lower-case letters, digits, or ._-");
  const { normal, degraded = normal, minimal = degraded } = answers;
  const byLevel: Readonly<Record<DegradationLevel, Answer>> = { normal, degraded, minimal };

  return async (c) => {
    const { ctx, degradation, collector } = internalScopeOf(c);
    const level = await degradation.level(ctx);
    const answer = byLevel[level];
    if (answer === normal) return normal(c);
    ctx.emit({ type: "feature.degrade", feature, level });
    collector?.noStore();
    const response = await answer(c);
    if (response.headers.has("Cache-Control")) return response;
    const marked = new Response(response.body, response);
    marked.headers.set("Cache-Control", "no-store");
    return marked;
  };
}
