import type { MiddlewareHandler } from "hono";
import { SECURITY_FIELDS, type StrataEnv } from "../index.ts";

const FIELDS = Object.entries(SECURITY_FIELDS);

/** Adds the security fields to a response that has none. Problems and pages have set their own. */
export const ownFields: MiddlewareHandler<StrataEnv> = async (c, next) => {
  await next();
  const { headers } = c.res;
  if (headers.has("X-Content-Type-Options")) return;
  for (const [name, value] of FIELDS) headers.set(name, value);
};
