import type { Context, MiddlewareHandler } from "hono";
import type { StrataEnv } from "../index.ts";
import { ApiProblem } from "./errors.ts";

/** The caller: `admin` sent the admin token, `anybody` sent no token. */
export type Viewer = "anybody" | "admin";

export interface Admin {
  /**
   * Tells whether the caller sent the admin token. @throws {ApiProblem} 401 if the request carries
   * a wrong token
   */
  viewer(c: Context): Promise<Viewer>;
  /** Requires the admin token. It answers 401 if the request lacks it, and 403 if no token is configured. */
  readonly required: MiddlewareHandler<StrataEnv>;
}

export function createAdmin(adminToken: string | undefined): Admin {
  async function viewer(c: Context): Promise<Viewer> {
    const header = c.req.header("Authorization");
    if (header === undefined) return "anybody";
    const token = /^Bearer +(\S+)$/i.exec(header.trim())?.[1];
    const known = token !== undefined && adminToken !== undefined;
    if (known && (await equal(token, adminToken))) return "admin";
    throw unauthorized('Bearer realm="strata", error="invalid_token"', "This token is not valid.");
  }

  return {
    viewer,
    required: async (c, next) => {
      if (adminToken === undefined)
        throw new ApiProblem({
          status: 403,
          type: "admin-disabled",
          title: "Forbidden",
          detail: "No ADMIN_TOKEN is configured, so this route refuses every request.",
        });
      if ((await viewer(c)) === "anybody")
        throw unauthorized('Bearer realm="strata"', "Send the admin token as a bearer token.");
      await next();
    },
  };
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

/** Compares digests, so that the duration of the comparison does not reveal the token or its length. */
async function equal(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
