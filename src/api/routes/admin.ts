import { Hono } from "hono";
import {
  DefinitionError,
  type AuditTarget,
  type PurgeTargets,
  type StrataEnv,
} from "../../index.ts";
import { auditAction, type Admin, type RoleOf } from "../admin.ts";
import { bodyOf, invalid, Purge } from "../inputs.ts";
import type { AppServices } from "../services.ts";
import { compareRoutes } from "./compare.ts";
import { degradationRoutes } from "./degradation.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { entryRoutes } from "./entry.ts";
import { limitRoutes } from "./limits.ts";
import { ownPrefix } from "./origin.ts";
import { queueRoutes } from "./queue.ts";
import { warmRoutes } from "./warm.ts";
import { whyRoutes } from "./why.ts";

/**
 * Returns the role that a route under /admin needs: `read` to read, `purge` to purge and to warm, and
 * `all` for everything else, so that a new route is closed to the other roles.
 */
function rolesUnder(prefix: string): RoleOf {
  const purges = new Set([`${prefix}/admin/purge`, `${prefix}/admin/warm`]);
  return ({ req: { method, path } }) => {
    if (method === "GET" || method === "HEAD") return "read";
    return method === "POST" && purges.has(path) ? "purge" : "all";
  };
}

export function adminRoutes(services: AppServices, admin: Admin): Hono<StrataEnv> {
  const { writer, rateLimits } = services;
  const routes = new Hono<StrataEnv>();
  // The token is checked before the routes, so that a caller without it does not learn which routes exist.
  routes.use(admin.requires(rolesUnder(ownPrefix(services.config))));
  routes.route("/limits", limitRoutes(rateLimits));
  routes.route("/entry", entryRoutes(services.admin.inspect));
  routes.route("/why", whyRoutes(services));
  routes.route("/compare", compareRoutes(services.admin));
  routes.route("/warm", warmRoutes(services));
  routes.route("/degradation", degradationRoutes(services.degradation));
  routes.route("/dead-letters", deadLetterRoutes(services));
  routes.route("/queue", queueRoutes(services));

  routes.post("/purge", async (c) => {
    const { soft, erase, cursor, ...targets } = definedOf(await bodyOf(c, Purge));
    auditAction(c, undefined, targetsOf(targets, { soft, erase }));
    const { ctx } = c.var.strata;
    try {
      const { invalidation, erasure } =
        erase === true
          ? await services.admin.erase({ ...targets, erase, ...(cursor && { cursor }) }, ctx)
          : { invalidation: await writer.purge({ ...targets, ...(soft && { soft }) }, ctx) };
      const headers = { "X-Invalidation": invalidation, "Cache-Control": "no-store" };
      // Status 202 says that the outbox holds the invalidation until Redis answers, or that bytes remain.
      const isDone = invalidation === "done" && erasure?.done !== false;
      return c.json({ invalidation, ...(erasure && { erasure }) }, isDone ? 200 : 202, headers);
    } catch (error) {
      if (error instanceof DefinitionError) {
        const detail = error.problem;
        throw invalid([{ field: error.field, detail }]);
      }
      throw error;
    }
  });

  return routes;
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Returns the fields that have a value. */
function definedOf<T extends object>(fields: T): Defined<T> {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as Defined<T>;
}

/** Returns the targets of a purge for its audit record. */
function targetsOf(
  { tags = [], keys = [], prefixes = [], everything }: PurgeTargets,
  { soft = false, erase = false }: { readonly [kind in "soft" | "erase"]: boolean | undefined },
): readonly AuditTarget[] {
  return [
    ...(everything === true ? [["everything", ""] as const] : []),
    ...(soft ? [["soft", ""] as const] : []),
    ...(erase ? [["erase", ""] as const] : []),
    ...tags.map((tag): AuditTarget => ["tag", tag]),
    ...keys.map((key): AuditTarget => ["key", key]),
    ...prefixes.map((prefix): AuditTarget => ["prefix", prefix]),
  ];
}
