import { Hono, type Context } from "hono";
import { DefinitionError, type Policy, type StrataEnv, type WhyReport } from "../../index.ts";
import { auditAction } from "../admin.ts";
import type { DryAnswer } from "../dry-run.ts";
import { invalid, parse, queryOf } from "../inputs.ts";
import type { AppServices } from "../services.ts";
import { describeTier } from "../tier-report.ts";
import type { WhyAnswer } from "../why-answer.ts";
import { WhyQuery } from "../why-inputs.ts";

type Services = Pick<AppServices, "admin" | "runDry">;

/** A request that reads more keys gets the first ones explained. */
const MAX_EXPLAINED = 5;

/**
 * `GET /admin/why?key=` and `GET /admin/why?url=`: what a read does now, and why the last answer came
 * from the origin or was not stored. The second one runs the GET request dry to find its keys. Both load
 * nothing and store nothing.
 */
export function whyRoutes({ admin, runDry }: Services): Hono<StrataEnv> {
  const { why, refusalsOf } = admin;
  const routes = new Hono<StrataEnv>();

  routes.get("/", async (c) => {
    const { key, url } = parse(WhyQuery, queryOf(c), "query");
    auditAction(c, undefined, key === undefined ? [["path", url ?? ""]] : [["key", key]]);
    const answer = key === undefined ? await ofPath(url ?? "/", c) : await ofKey(key, c);
    return c.json(answer, 200, { "Cache-Control": "no-store" });
  });

  async function ofKey(key: string, c: Context<StrataEnv>): Promise<WhyAnswer> {
    const { ctx } = c.var.strata;
    try {
      return { route: null, keys: [describe(await why(key, ctx), ctx.now())] };
    } catch (error) {
      if (error instanceof DefinitionError)
        throw invalid([{ field: "key", detail: error.problem }]);
      throw error;
    }
  }

  async function ofPath(path: string, c: Context<StrataEnv>): Promise<WhyAnswer> {
    const { ctx } = c.var.strata;
    const dry = await runDry(path, c);
    const reads = new Map(dry.reads.map((read) => [read.key, read.policy]));
    const reports = await Promise.all(
      [...reads].slice(0, MAX_EXPLAINED).map(([key, policy]) => why(key, ctx, policy)),
    );
    return {
      route: { status: dry.status, why: reasonOf(dry, refusalsOf(path)) },
      keys: reports.map((report) => describe(report, ctx.now())),
    };
  }

  return routes;
}

function reasonOf(
  { status, problem, reads }: DryAnswer,
  refusals: ReturnType<Services["admin"]["refusalsOf"]>,
) {
  if (refusals !== undefined)
    return {
      code: "refused",
      text: `A rate limit has refused ${refusals.count} requests for this path in this isolate, the last one at ${instant(refusals.at)}. They never reached the cache.`,
    };
  if (reads.length > 0) {
    const text =
      "The route reads the keys below. A dry run loads nothing, so it fails at the first key that no tier answers.";
    return { code: "reads", text };
  }
  if (status === 404 && problem?.endsWith("not-found") === true)
    return {
      code: "no-read",
      text: "The route answers 404 without a read of the cache: there is no such route, or the existence filter excludes the id.",
    };
  return {
    code: "no-read",
    text: `The route answers ${status} by itself, without a read of the cache.`,
  };
}

function describe(
  { key, policy, tiers, next, last }: WhyReport,
  now: number,
): WhyAnswer["keys"][number] {
  const described = tiers.map((report) => describeTier(report, now));
  const tags = new Set(policy?.tags);
  for (const tier of described)
    if ("tags" in tier) for (const tag of tier.tags ?? []) tags.add(tag);
  return {
    key,
    policy: policy === undefined ? null : describePolicy(policy),
    tags: [...tags],
    tiers: described,
    next,
    last: last === undefined ? null : { ...last, at: instant(last.at) },
  };
}

function describePolicy(policy: Policy): Record<string, unknown> {
  const { freshForMs, staleWhileRevalidateMs, staleIfErrorMs, negativeForMs } = policy;
  const { coherenceMs, unreachableForMs, onUnreachable, flight, tiers, refreshAhead } = policy;
  return {
    freshForMs,
    staleWhileRevalidateMs,
    staleIfErrorMs,
    negativeForMs,
    coherenceMs,
    unreachableForMs,
    onUnreachable,
    flight,
    tiers: [...tiers],
    refreshAhead: refreshAhead ?? null,
  };
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
