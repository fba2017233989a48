/** The public type of the layer. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Answers, ModelCache } from "./answers/reply.ts";
import type { AdminTools, FormerNames, Jobs } from "./strata-groups.ts";
import type { Config } from "./config.ts";
import type { Degradation } from "./core/degradation.ts";
import type { Existence } from "./engine/existence.ts";
import type { Live } from "./http/live/live.ts";
import type { PassThroughOptions } from "./http/proxy/pass-through.ts";
import type { Idempotent } from "./http/routes/idempotency.ts";
import type { Dispatch } from "./http/routes/middleware.ts";
import type { StrataEnv } from "./http/routes/request-scope.ts";
import type { Database } from "./origin/neon.ts";
import type { RateLimits } from "./ratelimit/rate-limits.ts";
import type { SecondaryStorage } from "./redis/secondary-storage.ts";
import type { Openable } from "./data/strata.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { Traced } from "./telemetry/traces/traced.ts";
import type { WriteThrough } from "./writes/through.ts";
import type { Writer } from "./writes/writer.ts";

/** The layer of one isolate. `createStrata` returns it. */
export interface Strata extends Openable, FormerNames {
  /**
   * The variables and options that the layer uses, checked and frozen. It holds secrets, so do not
   * print it.
   */
  readonly config: Config;
  /**
   * Returns the middleware that gives each request its scope (`c.var.strata`) and each response its
   * cache headers. Use the middleware before every route. `dispatch` runs a request through the
   * same application. The layer calls it to refresh routes in the background.
   */
  middleware(dispatch: Dispatch): MiddlewareHandler<StrataEnv>;
  /** Rate limits per IP address, user and endpoint. */
  readonly rateLimits: RateLimits<StrataEnv>;
  /** Sessions of users in Redis. */
  readonly sessions: Sessions<StrataEnv>;
  /** Texts that expire, in Redis: the option `secondaryStorage` of better-auth. */
  readonly secondaryStorage: SecondaryStorage;
  /** Writes rows together with their invalidations, and purges. */
  readonly writer: Writer;
  /** Stores written values as entries. `createWriteBehind` needs it. */
  readonly through: WriteThrough;
  /** The Drizzle client of the Neon database of `DATABASE_URL`. */
  readonly db: Database;
  /** The existence filters, which answer for ids that no row can have. */
  readonly existence: Existence;
  /** The invalidation log. `passThrough` needs it. */
  readonly invalidator: PassThroughOptions["invalidator"];
  /** Runs a call to another service as a span of the request. */
  readonly traced: Traced;
  /** The platform's `fetch`. Each call is a span of the request and sends trace headers. */
  tracedFetch(url: URL, init: RequestInit): Promise<Response>;
  /** Connects clients to the live events of topics. They need the binding `LIVE`. */
  readonly live: Live;
  /** The level of service of this isolate, and the states of its dependencies. */
  readonly degradation: Degradation;
  /**
   * Makes the middleware for the request field `Idempotency-Key`. A repetition of a request gets the
   * answer of the first one, with `Idempotency-Replayed: true`. Use it after the check of credentials.
   *
   * @example
   * app.post("/orders", strata.idempotent(), async (c) => c.json({ id: 1 }, 201));
   */
  readonly idempotent: Idempotent;
  /** Answers questions with a model, through the cache. Undefined without `LLM_BASE_URL`. */
  readonly answers: Answers<HonoContext<StrataEnv>> | undefined;
  /** Lets the models of the AI SDK answer through the cache. It needs no `LLM_BASE_URL`. */
  readonly modelCache: ModelCache<HonoContext<StrataEnv>>;
  /** Tools for operators: reports about keys, metrics, and erasures. */
  readonly admin: AdminTools;
  /** Work outside requests: messages of the queue, and tasks of the cron trigger. */
  readonly jobs: Jobs;
}
