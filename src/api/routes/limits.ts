import { Hono, type Context } from "hono";
import { DefinitionError, type LimitInfo, type RateLimits, type StrataEnv } from "../../index.ts";
import { planOf } from "../admin-inputs.ts";
import { auditAction } from "../admin.ts";
import { ApiProblem } from "../errors.ts";
import { invalid, noQuery } from "../inputs.ts";

type Found = Awaited<ReturnType<RateLimits<StrataEnv>["getLimitInfo"]>>;

/**
 * Routes that report and reset the accounts of `ip:<address>`, `user:<id>` or
 * `endpoint:<method> <pattern>`.
 */
export function limitRoutes(rateLimits: RateLimits<StrataEnv>): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();

  // The parameter accepts slashes, because the identity of an endpoint contains slashes.
  routes.get("/:identity{.+}", async (c) => {
    const plan = planOf(c);
    const options = plan === undefined ? {} : { plan };
    return answer(c, (identity) => rateLimits.getLimitInfo(identity, c.var.strata.ctx, options));
  });

  routes.delete("/:identity{.+}", async (c) => {
    noQuery(c);
    return answer(c, (identity) => rateLimits.resetLimits(identity, c.var.strata.ctx));
  });

  return routes;
}

async function answer(
  c: Context<StrataEnv>,
  ask: (identity: string) => Promise<Found>,
): Promise<Response> {
  const identity = c.req.param("identity") ?? "";
  auditAction(c, undefined, [["identity", identity]]);
  const found = await ask(identity).catch((error: unknown) => {
    if (!(error instanceof DefinitionError)) throw error;
    throw invalid([{ field: error.field, detail: error.problem }]);
  });
  if (!found.ok)
    throw new ApiProblem({
      status: 503,
      type: "limits-unavailable",
      title: "Limits Unavailable",
      detail: "Redis, which holds the accounts, does not answer at the moment.",
      headers: { "Retry-After": "1" },
    });
  const info: LimitInfo = found.value;
  return c.json(info, 200, { "Cache-Control": "no-store" });
}
