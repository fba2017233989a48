import { Hono } from "hono";
import { SECURITY_FIELDS, type StrataEnv } from "../../index.ts";
import type { AppServices } from "../services.ts";

/** The folder of the files among the assets. */
const FOLDER = "reference";

/** The files that the page loads. No other file of the folder is served. */
const FILES = new Set(["page.js", "page.css", "swagger-ui.js", "swagger-ui.css"]);

/** Clients keep the files and ask whether they have changed, so that a deployment shows at once. */
const REVALIDATED = { "Cache-Control": "no-cache", ...SECURITY_FIELDS };

/**
 * The page may load scripts, styles and data of its own origin, and images that its style contains.
 * It sends no request elsewhere.
 */
const PAGE = {
  ...REVALIDATED,
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/**
 * Serves the OpenAPI document at `GET /openapi.json`, and a page that shows it at `GET /docs`. Both are
 * static files: `npm run reference` makes the document from src/api/operations.
 */
export function referenceRoutes({ assets }: Pick<AppServices, "assets">): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  if (assets === undefined) return routes;

  async function asset(name: string, request: Request, fields: object): Promise<Response> {
    const tag = request.headers.get("If-None-Match");
    const found = await assets!.fetch(
      new Request(new URL(`/${FOLDER}/${name}`, request.url), {
        ...(tag !== null && { headers: { "If-None-Match": tag } }),
      }),
    );
    const response = new Response(found.body, found);
    for (const [field, value] of Object.entries(fields)) response.headers.set(field, String(value));
    return response;
  }

  routes.get("/openapi.json", async (c) => asset("openapi.json", c.req.raw, REVALIDATED));
  routes.get("/docs", async (c) => asset("index.html", c.req.raw, PAGE));
  routes.get("/docs/:file", async (c, next) => {
    const file = c.req.param("file");
    if (!FILES.has(file)) return next();
    return asset(file, c.req.raw, REVALIDATED);
  });
  return routes;
}
