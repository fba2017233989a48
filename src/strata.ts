/** The public type of the layer, with its groups of members. */
import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Answers, ModelCache } from "./answers/reply.ts";
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
import type { Context } from "./core/context.ts";
import type { Refusals } from "./core/key-notes.ts";
import type { CompareSettings } from "./core/traffic.ts";
import type { Cron } from "./core/task.ts";
import type { Inspect } from "./engine/inspect.ts";
import type { Why } from "./engine/why.ts";
import type { DryRun } from "./http/routes/dry-run.ts";
import type { MetricsView } from "./telemetry/metrics/metrics-view.ts";
import type { PendingIds } from "./core/pending.ts";
import type { Messages, QueueBatch } from "./writes/messages/messages.ts";
import type { EraseEntries } from "./writes/erase.ts";

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

/** Tools for operators. `strata.admin` has them. They are for routes that only operators may call. */
export interface AdminTools {
  /** Reports the entry that each tier holds under a key. It loads nothing. */
  readonly inspect: Inspect;
  /**
   * Explains what a read of a key does now, and why the last read that no tier answered was not
   * answered by one. It loads nothing.
   */
  readonly why: Why;
  /** Returns how many requests for a path a rate limit has refused in this isolate, and when it was last. */
  refusalsOf(path: string): Refusals | undefined;
  /**
   * Creates the parts of an application that finds out which keys a request reads. Build the
   * application once, with the same routes as the real one.
   *
   * @example
   * import { Hono } from "hono";
   *
   * const dry = strata.admin.createDryRun();
   * const app = new Hono<StrataEnv>().use(dry.scope);
   * app.get("/hello", cached({ freshFor: "5m" }), (c) => c.text("hello"));
   * const request = new Request("https://example.com/hello");
   * await app.request(request);
   * console.log(dry.readsOf(request).map(({ key }) => key));
   */
  createDryRun(): DryRun;
  /** The metrics of all isolates of the namespace. */
  readonly metrics: MetricsView;
  /**
   * Predicts what other settings would do with the reads that telemetry has recorded: hits, loads and
   * memory. It changes nothing.
   *
   * @throws {DefinitionError} if there is no eviction order of that name.
   * @throws {ComparisonBusy} after 30 s of waiting for the comparisons of other requests of this isolate.
   * @example
   * const { predictions } = await strata.admin.compare("product", [{}, { eviction: "lru" }]);
   * console.log(predictions?.map(({ memoryHitRatio }) => memoryHitRatio));
   */
  readonly compare: CompareSettings;
  /** Invalidates entries as `writer.purge` does, and removes their bytes from the tiers. */
  readonly erase: EraseEntries;
  /** Returns whether the invalidation log answers. Creates the log if there is none. */
  logReachable(ctx: Context): Promise<boolean>;
}

/** Work outside requests. `strata.jobs` has it. */
export interface Jobs {
  /** Sends messages, applies each once, and keeps those that fail. They need the binding `QUEUE`. */
  readonly messages: Messages;
  /** The ids of messages that are sent and may not be applied yet. */
  readonly pending: PendingIds;
  /**
   * Handles a batch of the queue or of the dead-letter queue. Call it in the handler `queue` of the
   * Worker, with a context of `backgroundContext`.
   */
  consume(batch: QueueBatch, ctx: Context): Promise<void>;
  /** Adds tasks of the application to the work of the cron trigger. */
  readonly cron: Cron;
  /**
   * Does the work of the cron trigger: delivers the outbox, trims the log and the ids of applied messages,
   * builds the existence filters, and runs the tasks of the application. Takes at most 28 s.
   * `backgroundContext` makes its context.
   */
  scheduled(ctx: Context): Promise<void>;
}

/** The former names of members that are in a group now. */
export interface FormerNames {
  /** @deprecated Use `invalidator`. */
  readonly coherence: PassThroughOptions["invalidator"];
  /** @deprecated Use `admin.inspect`. */
  readonly inspect: AdminTools["inspect"];
  /** @deprecated Use `admin.why`. */
  readonly why: AdminTools["why"];
  /** @deprecated Use `admin.refusalsOf`. */
  readonly refusalsOf: AdminTools["refusalsOf"];
  /** @deprecated Use `admin.createDryRun`. */
  readonly createDryRun: AdminTools["createDryRun"];
  /** @deprecated Use `admin.metrics`. */
  readonly metrics: AdminTools["metrics"];
  /** @deprecated Use `admin.compare`. */
  readonly compare: AdminTools["compare"];
  /** @deprecated Use `admin.erase`. */
  readonly erase: AdminTools["erase"];
  /** @deprecated Use `admin.logReachable`. */
  readonly logReachable: AdminTools["logReachable"];
  /** @deprecated Use `jobs.messages`. */
  readonly messages: Jobs["messages"];
  /** @deprecated Use `jobs.pending`. */
  readonly pending: Jobs["pending"];
  /** @deprecated Use `jobs.consume`. */
  readonly consume: Jobs["consume"];
  /** @deprecated Use `jobs.cron`. */
  readonly cron: Jobs["cron"];
  /** @deprecated Use `jobs.scheduled`. */
  readonly scheduled: Jobs["scheduled"];
}
