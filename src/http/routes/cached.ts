/** The middleware `cached()`, which caches the responses of a route. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { toMillis, type Duration } from "../../core/duration.ts";
import { definePolicy, type PolicyOptions } from "../../core/policy.ts";
import { partsNamedByFunction } from "./key-function.ts";
import type { KeyFunction } from "./key-reads.ts";
import { partsNamedByRules } from "./named-parts.ts";
import type { StrataEnv } from "./request-scope.ts";
import { CLIENT_CACHE_CONTROL } from "./respond.ts";
import { createRouteKeys, type KeyRules, type KeySource } from "./route-key.ts";
import { answerFromRoute } from "./route-request.ts";
import type { RouteDefinition } from "./run-handler.ts";

/** The options of `cached`: a policy, and the rules of one route. Only `freshFor` is required. */
export interface CachedOptions extends Omit<PolicyOptions, "tags"> {
  /**
   * The entry's key, or the rules by which it is made from the request. Default: the scheme, the
   * host, the path, and the query with its parameters sorted. The handler sees the parts of the
   * request that the key names, and none of the others. A function names what it reads, and always
   * returns the same key for the same request.
   */
  readonly key?: KeyFunction | KeyRules;
  /**
   * The variables of the Hono context that are the same for every client, such as a database client.
   * Default none. The handler may read them. If it reads another variable that neither the key nor
   * this list names, the response is private.
   */
  readonly shared?: readonly string[];
  /**
   * Whether the response may show data of any tenant to every client, for example the offers of all
   * shops. Default false: a read of a tenant's data makes the response private if the key does not
   * name the tenant.
   */
  readonly sharesTenants?: boolean;
  /** Tags with which the response can be purged. The handler can add more with `c.var.strata.tag()`. Default none. */
  readonly tags?: readonly string[] | ((c: HonoContext<StrataEnv>) => readonly string[]);
  /**
   * The longest time for which a client may use its copy without revalidation. Default 0, because a
   * purge does not reach that copy.
   */
  readonly clientMaxAge?: Duration;
  /**
   * Whether the route obeys request directives such as `no-cache`, `max-age` and `only-if-cached`
   * (RFC 9111, 5.2.1). Default false, because with them clients decide how often the origin is
   * asked.
   */
  readonly requestDirectives?: boolean;
}

/**
 * Caches a route's responses in every tier. It applies to GET and HEAD; requests with other methods
 * go to the handler. Put it after the route's own validation, so that no invalid request becomes a
 * key. The response's own directives take precedence. The options apply if the response states no
 * freshness. Each variant that the response's Vary makes is stored separately.
 *
 * @throws {DefinitionError} where the route is defined, if an option is wrong. It names the option.
 * @example
 * app.get(
 *   "/products/:id",
 *   cached({ freshFor: "1h", staleIfError: "1d", tags: (c) => [`product:${c.req.param("id")}`] }),
 *   async (c) => c.json({ id: c.req.param("id") }),
 * );
 */
export function cached(options: CachedOptions): MiddlewareHandler<StrataEnv> {
  const {
    key: keyOption = {},
    shared = [],
    sharesTenants = false,
    tags,
    clientMaxAge,
    requestDirectives = false,
    ...policyOptions
  } = options;
  const fixedTags = typeof tags === "function" ? [] : (tags ?? []);
  const policy = definePolicy({ ...policyOptions, tags: fixedTags });
  const rules = typeof keyOption === "function" ? {} : keyOption;
  const routeKeys = createRouteKeys(rules);
  const keyOf =
    typeof keyOption === "function"
      ? keyOption
      : (c: HonoContext<StrataEnv>) => routeKeys(keySourceOf(c));
  const partsOf =
    typeof keyOption === "function"
      ? (c: HonoContext<StrataEnv>, primary: string) => partsNamedByFunction(c, keyOption, primary)
      : (c: HonoContext<StrataEnv>) => partsNamedByRules(keySourceOf(c), rules);
  const route: RouteDefinition = {
    policy,
    tagsOf: typeof tags === "function" ? tags : () => [],
    partsOf,
    shared: new Set(shared),
    sharesTenants,
    keyedFields: new Set(rules.headers?.map((name) => name.toLowerCase())),
    requestDirectives,
    clientControl:
      clientMaxAge === undefined
        ? CLIENT_CACHE_CONTROL
        : `max-age=${Math.floor(toMillis(clientMaxAge, "clientMaxAge") / 1000)}`,
    definedAt: callerOf(new Error("cached() is called here")),
  };

  return function cachedRoute(c, next) {
    const { method } = c.req.raw;
    if (method !== "GET" && method !== "HEAD") return next();
    return answerFromRoute({ c, next, route, primary: keyOf(c) });
  };
}

/** Returns the place from which the function was called that made the error. */
function callerOf({ stack = "" }: Error): string {
  return (stack.split("\n")[2] ?? "").replace(/^\s*at /, "");
}

/** Returns the parts of the request from which rules make a key. */
function keySourceOf(c: HonoContext<StrataEnv>): KeySource {
  return { request: c.req.raw, variable: c.get };
}
