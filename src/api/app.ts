import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { problem, type StrataEnv } from "../index.ts";
import { createAdmin } from "./admin.ts";
import { noSuchRoute, onError } from "./errors.ts";
import { apiLimits } from "./limits.ts";
import { adminRoutes } from "./routes/admin.ts";
import { categoryRoutes } from "./routes/categories.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { originRoutes, ownPrefix } from "./routes/origin.ts";
import { productWriteRoutes } from "./routes/product-writes.ts";
import { productRoutes } from "./routes/products.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { userRoutes } from "./routes/users.ts";
import type { AppServices } from "./services.ts";

const MAX_BODY_BYTES = 64 * 1024;

/**
 * The reference application, in the order in which a request passes through it.
 *
 * A new route is one file in routes/ and one line here.
 */
export function createApp(services: AppServices): Hono<StrataEnv> {
  const app = new Hono<StrataEnv>();
  const admin = createAdmin(services.config.adminToken);
  const own = ownPrefix(services.config);

  // 1. The request gets its scope, c.var.strata; the answer gets its headers.
  app.use(services.strata);

  //    Nobody takes more than their share.
  app.use(apiLimits({ rateLimits: services.rateLimits, ownPrefix: own }));

  // 2. Another HTTP origin, whatever the size of its bodies; at the root it takes this API's place.
  app.route("/", originRoutes(services));

  // 3. Nobody makes us hold a large body.
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));

  // 4. The routes. A read validates, looks in the cache, and only then asks the database;
  //    a write asks for the admin token, validates, commits and invalidates.
  app.route("/products", productRoutes(services));
  app.route("/products", productWriteRoutes(services, admin));
  app.route("/categories", categoryRoutes(services));
  app.route("/users", userRoutes(services, admin));
  app.route("/", referenceRoutes());
  app.route(`${own}/health`, healthRoutes(services));
  app.route(`${own}/metrics`, metricsRoutes(services, admin));
  const guard = services.config.dev ? open : admin.required;
  if (services.dashboard) app.route(`${own}/dashboard`, services.dashboard(guard));
  app.route(`${own}/admin`, adminRoutes(services, admin));

  // 5. Whatever went another way is answered as a problem.
  app.notFound(noSuchRoute(app));
  app.onError(onError);
  return app;
}

/** In development the figures are for everybody. */
const open: MiddlewareHandler<StrataEnv> = (_c, next) => next();

function tooLarge(): Response {
  return problem({
    status: 413,
    type: "body-too-large",
    title: "Content Too Large",
    detail: `A body has at most ${MAX_BODY_BYTES} bytes.`,
  });
}
