/** The groups of members of the layer that few requests use. */
import type { PassThroughOptions } from "./http/proxy/pass-through.ts";
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
