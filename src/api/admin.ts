import type { Context, MiddlewareHandler } from "hono";
import type { AdminRole, AdminToken, AuditTarget, FailureLimit, StrataEnv } from "../index.ts";
import { ApiProblem } from "./errors.ts";
import { createTokenCheck } from "./token-check.ts";

/** The caller: `admin` sent a token of the role `all`. */
export type Viewer = "anybody" | "admin";

/** Returns the role that a request needs. */
export type RoleOf = (c: Context<StrataEnv>) => AdminRole;

export interface Admin {
  /**
   * Tells whether the caller sent a token of the role `all`. @throws {ApiProblem} 401 if the request
   * carries a wrong token, and 429 after too many of them
   */
  viewer(c: Context<StrataEnv>): Promise<Viewer>;
  /**
   * Requires a token that may do what the role may. It answers 401 without a right token, 403 if the
   * token's role does not suffice or no token is configured, and 429 after too many wrong tokens.
   */
  requires(role: AdminRole | RoleOf): MiddlewareHandler<StrataEnv>;
  /** Requires a token of the role `all`. */
  readonly required: MiddlewareHandler<StrataEnv>;
  /** Makes an audit record of the request, even if a later middleware refuses it. */
  readonly audited: MiddlewareHandler<StrataEnv>;
}

export interface AdminOptions {
  readonly tokens: readonly AdminToken[];
  /** Counts wrong tokens. */
  readonly guesses: FailureLimit<StrataEnv>;
}

/** The roles whose routes a token of each role may use. */
const PERMITS: Readonly<Record<AdminRole, readonly AdminRole[]>> = {
  scrape: ["scrape"],
  read: ["scrape", "read"],
  purge: ["purge"],
  all: ["scrape", "read", "purge", "all"],
};

export function createAdmin({ tokens, guesses }: AdminOptions): Admin {
  const findToken = createTokenCheck(tokens);

  /** Returns the token of the request; undefined if it carries none. */
  async function identify(c: Context<StrataEnv>): Promise<AdminToken | undefined> {
    const header = c.req.header("Authorization");
    if (header === undefined) return undefined;
    const secret = /^Bearer +(\S+)$/i.exec(header.trim())?.[1];
    if (secret !== undefined && tokens.length > 0) {
      const early = guesses.check(c);
      if (early !== undefined) throw new ApiProblem(early);
      const found = findToken(secret);
      if (found !== undefined) {
        guesses.succeed(c);
        return found;
      }
      const late = await guesses.fail(c);
      if (late !== undefined) throw new ApiProblem(late);
    }
    throw unauthorized('Bearer realm="strata", error="invalid_token"', "This token is not valid.");
  }

  function requires(role: AdminRole | RoleOf): MiddlewareHandler<StrataEnv> {
    return async (c, next) => {
      const needed = typeof role === "function" ? role(c) : role;
      // A scrape changes nothing and shows no data, and comes every few seconds.
      const audit: typeof auditAction = needed === "scrape" ? () => undefined : auditAction;
      audit(c);
      if (tokens.length === 0)
        throw new ApiProblem({
          status: 403,
          type: "admin-disabled",
          title: "Forbidden",
          detail: "No ADMIN_TOKEN is configured, so this route refuses every request.",
        });
      const token = await identify(c);
      if (token === undefined)
        throw unauthorized('Bearer realm="strata"', "Send an admin token as a bearer token.");
      const id = c.req.param("id");
      audit(c, token.name, id === undefined ? [] : [["id", id]]);
      if (!PERMITS[token.role].includes(needed))
        throw new ApiProblem({
          status: 403,
          type: "insufficient-role",
          title: "Forbidden",
          detail: `This route needs a token of the role ${needed}.`,
          headers: {
            "WWW-Authenticate": 'Bearer realm="strata", error="insufficient_scope"',
          },
        });
      await next();
    };
  }

  return {
    async viewer(c) {
      const token = await identify(c);
      if (token?.role !== "all") return "anybody";
      const id = c.req.param("id");
      auditAction(c, token.name, id === undefined ? [] : [["id", id]]);
      return "admin";
    },
    requires,
    required: requires("all"),
    audited: async (c, next) => {
      auditAction(c);
      await next();
    },
  };
}

/** Adds to the audit record of the request: the name of the accepted token, and what the action is about. */
export function auditAction(
  c: Context<StrataEnv>,
  actor?: string,
  targets?: readonly AuditTarget[],
): void {
  c.var.strata.ctx.emit({
    type: "admin.action",
    ...(actor !== undefined && { actor }),
    ...(targets !== undefined && { targets }),
  });
}

function unauthorized(challenge: string, detail: string): ApiProblem {
  return new ApiProblem({
    status: 401,
    type: "unauthorized",
    title: "Unauthorized",
    detail,
    headers: { "WWW-Authenticate": challenge },
  });
}
