/** The examples of docs/guides/caching-a-route-safely.md. A test runs them, and compares the page with this file. */
import type { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { getCookie } from "hono/cookie";
import { cached, definePolicy, key, keysOf, type StrataEnv } from "../../../src/index.ts";

interface User {
  readonly id: string;
  readonly name: string;
}

/** The variables that the middleware of the examples sets. */
export interface GuideEnv {
  Variables: StrataEnv["Variables"] & {
    user: User;
    tenant: string;
    db: { readonly articles: () => Promise<readonly string[]> };
  };
}

type App = Hono<GuideEnv>;

export function userForgotten(app: App): void {
  app.get("/home", cached({ freshFor: "5m" }), (c) => c.text(`Hello, ${c.get("user").name}`));
}

export function userInKey(app: App): void {
  app.get(
    "/home",
    cached({ freshFor: "5m", key: { variables: { user: (user: User) => user.id } } }),
    (c) => c.text(`Hello, ${c.get("user").name}`),
  );
}

export function sharedVariable(app: App): void {
  app.get("/articles", cached({ freshFor: "5m", shared: ["db"] }), async (c) =>
    c.json(await c.get("db").articles()),
  );
}

export function cookieForgotten(app: App): void {
  app.get("/", cached({ freshFor: "5m" }), (c) => c.text(getCookie(c, "theme") ?? "light"));
}

export function cookieInKey(app: App): void {
  app.get("/", cached({ freshFor: "5m", key: { cookies: ["theme"] } }), (c) =>
    c.text(getCookie(c, "theme") ?? "light"),
  );
}

export function countryInKey(app: App): void {
  app.get("/prices", cached({ freshFor: "5m", key: { cf: ["country"] } }), (c) =>
    c.text(c.req.raw.cf?.["country"] === "CH" ? "CHF 10" : "EUR 10"),
  );
}

export function tenantForgotten(app: App): void {
  const carts = definePolicy({ freshFor: "5m" });
  app.get("/cart", cached({ freshFor: "5m" }), async (c) => {
    const tenant = tenantOfRequest();
    const cart = keysOf({ tenant })("cart", 1);
    const { value } = await c.var.strata.cache.read(cart, carts, async () => `cart of ${tenant}`);
    return c.json(value);
  });
}

export function tenantInKey(app: App): void {
  const carts = definePolicy({ freshFor: "5m" });
  app.get("/cart", cached({ freshFor: "5m", key: { variables: ["tenant"] } }), async (c) => {
    const tenant = c.get("tenant");
    const cart = keysOf({ tenant })("cart", 1);
    const { value } = await c.var.strata.cache.read(cart, carts, async () => `cart of ${tenant}`);
    return c.json(value);
  });
}

export function guardBehind(app: App): void {
  app.get("/report", cached({ freshFor: "5m" }), bearerAuth({ token: "t0k3n" }), (c) =>
    c.text("the report"),
  );
}

export function guardBefore(app: App): void {
  app.get("/report", bearerAuth({ token: "t0k3n" }), cached({ freshFor: "5m" }), (c) =>
    c.text("the report"),
  );
}

export function partForgotten(app: App): void {
  app.get("/:lang/about", cached({ freshFor: "5m", key: () => key("about", "page") }), (c) =>
    c.text(`about, in ${c.req.param("lang")}`),
  );
}

export function partInKey(app: App): void {
  app.get(
    "/:lang/about",
    cached({ freshFor: "5m", key: (c) => key("about", c.req.param("lang") ?? "en") }),
    (c) => c.text(`about, in ${c.req.param("lang")}`),
  );
}

/** The tenant of the running request, as an AsyncLocalStorage of the application keeps it. */
let running = "";
function tenantOfRequest(): string {
  return running;
}
export function runAs(tenant: string): void {
  running = tenant;
}
