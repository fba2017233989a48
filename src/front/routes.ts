import { Hono, type Context } from "hono";
import { accepts } from "hono/accepts";
import { createPageAssets, type AssetStore } from "../dashboard/page-assets.ts";
import type { StrataEnv } from "../index.ts";

/** The scripts and styles of the pages. No other file of the folder `assets/front` is served. */
const FILES = new Set([
  "account.js",
  "answer-fields.js",
  "answers.js",
  "ask.js",
  "catalogue.js",
  "chat.js",
  "demo.js",
  "dom.js",
  "front.js",
  "health-words.js",
  "product.js",
  "stock.js",
  "style.css",
]);

/** Whether the client wants HTML, as browsers do. A client that takes any type gets JSON. */
function wantsPage(c: Context): boolean {
  const supports = ["application/json", "text/html"];
  return accepts(c, { header: "Accept", supports, default: "application/json" }) === "text/html";
}

/**
 * The pages of the front door: `GET /` for browsers, and the shop demo at `GET /demo`. The route with
 * the JSON index comes after these routes and answers all other clients.
 */
export function frontRoutes(assets: AssetStore): Hono<StrataEnv> {
  const routes = new Hono<StrataEnv>();
  const asset = createPageAssets(assets);

  routes.get("/", async (c, next) => {
    if (!wantsPage(c)) return next();
    const page = await asset("front/index.html", c.req.raw);
    page.headers.set("Vary", "Accept");
    return page;
  });

  routes.get("/demo", (c) => asset("front/demo.html", c.req.raw));

  routes.get("/front/:file", async (c, next) => {
    const file = c.req.param("file");
    return FILES.has(file) ? asset(`front/${file}`, c.req.raw) : next();
  });

  return routes;
}
