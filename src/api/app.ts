import { Hono, type MiddlewareHandler } from "hono";
import type { StrataEnv } from "../index.ts";
import { createAdmin } from "./admin.ts";
import { createCors } from "./cors.ts";
import { noSuchRoute, onError } from "./errors.ts";
import { ADMIN_GUESSES, apiLimits, ownFields } from "./every-request.ts";
import { adminRoutes } from "./routes/admin.ts";
import { categoryRoutes } from "./routes/categories.ts";
import { chatRoutes } from "./routes/chat.ts";
import { eventRoutes } from "./routes/events.ts";
import { frontDoorRoutes } from "./routes/front-door.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { orderRoutes } from "./routes/orders.ts";
import { originRoutes, ownPrefix } from "./routes/origin.ts";
import { productWriteRoutes } from "./routes/product-writes.ts";
import { productRoutes } from "./routes/products.ts";
import { recommendationRoutes } from "./routes/recommendations.ts";
import { referenceRoutes } from "./routes/reference.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { stockRoutes } from "./routes/stock.ts";
import { userRoutes } from "./routes/users.ts";
import { viewRoutes } from "./routes/views.ts";
import type { AppServices } from "./services.ts";

/**
 * Creates the reference application. A request goes through the steps below in this order.
 *
 * A new route is one file in routes/ and one line here.
 */
export function createApp(services: AppServices): Hono<StrataEnv> {
  const app = new Hono<StrataEnv>();
  const own = ownPrefix(services.config);
  const limits = apiLimits({ rateLimits: services.rateLimits, ownPrefix: own });
  const admin = createAdmin({
    tokens: services.config.adminTokens,
    guesses: services.rateLimits.limitFailures(ADMIN_GUESSES),
  });

  // 1. Gives the request its scope, c.var.strata, and the response its cache headers.
  app.use(services.scope);

  // 2. Lets pages of the configured origins read answers, refusals included.
  const cors = createCors(services.config);
  if (cors !== undefined) app.use(cors);

  // 3. Applies the rate limits. A request under /admin leaves an audit record even if one refuses it.
  app.use(`${own}/admin/*`, admin.audited);
  app.use(limits);

  // 4. The proxy. At the root, it replaces the routes below.
  app.route("/", originRoutes(services));

  // 5. Gives responses of the routes below their security fields.
  app.use(ownFields);

  // 6. The routes. A read validates its input, reads the cache, and asks the database after a miss.
  //    A write checks the admin token, reads its body, validates it, commits, and invalidates.
  app.route("/products", productRoutes(services));
  app.route("/products", viewRoutes(services));
  app.route("/products", recommendationRoutes(services));
  app.route("/products", productWriteRoutes(services, admin));
  app.route("/stock", stockRoutes(services));
  app.route("/categories", categoryRoutes(services));
  app.route("/settings", settingsRoutes(services, admin));
  app.route("/users", userRoutes(services, admin));
  app.route("/sessions", sessionRoutes(services, admin));
  app.route("/chat", chatRoutes(services));
  app.route("/events", eventRoutes(services));
  app.route("/orders", orderRoutes(services, admin));
  app.route("/", referenceRoutes(services));
  if (services.front) app.route("/", services.front);
  app.route("/", frontDoorRoutes(app));
  app.route(`${own}/health`, healthRoutes(services));
  app.route(`${own}/metrics`, metricsRoutes(services, admin));
  const guard = services.config.dev ? allowAll : admin.requires("read");
  if (services.dashboard) app.route(`${own}/dashboard`, services.dashboard(guard));
  app.route(`${own}/admin`, adminRoutes(services, admin));

  // 7. Turns unknown paths and errors into problem responses.
  app.notFound(noSuchRoute(app));
  app.onError(onError);
  return app;
}

/** Lets every request through, because under `npm run dev` the dashboard needs no token. */
const allowAll: MiddlewareHandler<StrataEnv> = (_c, next) => next();
