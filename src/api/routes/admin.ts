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
import { entryRoutes } from "./entry.ts";
import { limitRoutes } from "./limits.ts";
import { warmRoutes } from "./warm.ts";

/** The routes that the role `purge` may use. */
const PURGES = /\/admin\/(?:purge|warm)$/;

/**
 * Returns the role that a route under /admin needs: `read` to read, `purge` to purge and to warm, and
 * `all` for everything else, so that a new route is closed to the other roles.
 */
const roleOf: RoleOf = ({ req: { method, path } }) => {
  if (method === "GET" || method === "HEAD") return "read";
  return method === "POST" && PURGES.test(path) ? "purge" : "all";
};

export function adminRoutes(services: AppServices, admin: Admin): Hono<StrataEnv> {
  const { writer, rateLimits } = services;
  const routes = new Hono<StrataEnv>();
  // The token is checked before the routes, so that a caller without it does not learn which routes exist.
  routes.use(admin.requires(roleOf));
  routes.route("/limits", limitRoutes(rateLimits));
  routes.route("/entry", entryRoutes(services.inspect));
  routes.route("/warm", warmRoutes(services));

  routes.post("/purge", async (c) => {
    const { tags, keys, prefixes, everything, soft } = await bodyOf(c, Purge);
    const purge: PurgeTargets = {
      ...(tags && { tags }),
      ...(keys && { keys }),
      ...(prefixes && { prefixes }),
      ...(everything && { everything }),
      ...(soft && { soft }),
    };
    auditAction(c, undefined, targetsOf(purge));
    try {
      const invalidation = await writer.purge(purge, c.var.strata.ctx);
      const headers = { "X-Invalidation": invalidation, "Cache-Control": "no-store" };
      // Status 202 says that the outbox holds the invalidation until Redis answers.
      return c.json({ invalidation }, invalidation === "done" ? 200 : 202, headers);
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

/** Returns the targets of a purge for its audit record. */
function targetsOf({
  tags = [],
  keys = [],
  prefixes = [],
  everything,
  soft,
}: PurgeTargets): readonly AuditTarget[] {
  return [
    ...(everything === true ? [["everything", ""] as const] : []),
    ...(soft === true ? [["soft", ""] as const] : []),
    ...tags.map((tag): AuditTarget => ["tag", tag]),
    ...keys.map((key): AuditTarget => ["key", key]),
    ...prefixes.map((prefix): AuditTarget => ["prefix", prefix]),
  ];
}
