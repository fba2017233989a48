import { Hono, type MiddlewareHandler } from "hono";
import type { StrataEnv } from "../index.ts";
import { createAdmin } from "./admin.ts";
import { noSuchRoute, onError } from "./errors.ts";
import { apiLimits } from "./limits.ts";
import { ownFields } from "./own-fields.ts";
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

/**
 * Creates the reference application. A request goes through the steps below in this order.
 *
 * A new route is one file in routes/ and one line here.
 */
export function createApp(services: AppServices): Hono<StrataEnv> {
  const app = new Hono<StrataEnv>();
  const admin = createAdmin(services.config.adminToken);
  const own = ownPrefix(services.config);

  // 1. Gives the request its scope, c.var.strata, and the response its cache headers.
  app.use(services.scope);

  // 2. Applies the rate limits.
  app.use(apiLimits({ rateLimits: services.rateLimits, ownPrefix: own }));

  // 3. The proxy. At the root, it replaces the routes below.
  app.route("/", originRoutes(services));

  // 4. Gives responses of the routes below their security fields.
  app.use(ownFields);

  // 5. The routes. A read validates its input, reads the cache, and asks the database after a miss.
  //    A write checks the admin token, reads its body, validates it, commits, and invalidates.
  app.route("/products", productRoutes(services));
  app.route("/products", productWriteRoutes(services, admin));
  app.route("/categories", categoryRoutes(services));
  app.route("/users", userRoutes(services, admin));
  app.route("/", referenceRoutes());
  app.route(`${own}/health`, healthRoutes(services));
  app.route(`${own}/metrics`, metricsRoutes(services, admin));
  const guard = services.config.dev ? allowAll : admin.required;
  if (services.dashboard) app.route(`${own}/dashboard`, services.dashboard(guard));
  app.route(`${own}/admin`, adminRoutes(services, admin));

  // 6. Turns unknown paths and errors into problem responses.
  app.notFound(noSuchRoute(app));
  app.onError(onError);
  return app;
}

/** Lets every request through, because under `npm run dev` the dashboard needs no token. */
const allowAll: MiddlewareHandler<StrataEnv> = (_c, next) => next();
