/** Finds out which keys a request reads, with the code of the routes, and without a load. */
import type { MiddlewareHandler } from "hono";
import type { Context } from "../../core/context.ts";
import { freshnessOf, type Entry } from "../../core/entry.ts";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import { ALL_HEADERS } from "../../core/header-families.ts";
import { checkKey } from "../../core/key.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { Policy } from "../../core/policy.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Inspect } from "../../engine/inspect.ts";
import type { Batch } from "../../engine/lookup-many.ts";
import type { Warmer } from "../../engine/warm.ts";
import { answersWithoutLoad } from "../../engine/validation.ts";
import { createScopeMiddleware, type ScopeMiddlewareOptions } from "./middleware.ts";
import type { StrataEnv } from "./request-scope.ts";

/** One read of a dry run. */
export interface DryRead {
  /** The key of the read. */
  readonly key: string;
  /** The policy of the read. */
  readonly policy: Policy;
}

/** The parts of an application that runs requests dry. */
export interface DryRun {
  /**
   * The middleware to use in place of `strata.middleware`, in an application with the same routes. A
   * read of such an application is answered by a tier, or fails: it loads nothing and stores nothing.
   */
  readonly scope: MiddlewareHandler<StrataEnv>;
  /** Returns the reads of a request that the application has handled, in their order. */
  readsOf(request: Request): readonly DryRead[];
}

/** A dry run notes at most this many reads. */
const MAX_READS = 20;

export interface DryRunOptions extends Pick<
  ScopeMiddlewareOptions,
  "loads" | "proxyLimits" | "degradation" | "now" | "engine" | "invalidator"
> {
  readonly inspect: Inspect;
}

export function createDryRun(options: DryRunOptions): DryRun {
  const { inspect, engine } = options;
  const readsOfRequest = new WeakMap<Request, DryRead[]>();
  const readsOfContext = new WeakMap<Context, DryRead[]>();

  async function lookUp(key: string, policy: Policy, ctx: Context): Promise<Lookup> {
    checkKey(key);
    const reads = readsOfContext.get(ctx);
    if (reads !== undefined && reads.length < MAX_READS) reads.push({ key, policy });
    const entry = await findUsable(key, ctx);
    if (entry === undefined)
      throw new CacheUnavailable(fault("origin.abandoned", "a dry run loads nothing"));
    const currentAt = entry.storedAt;
    return {
      key,
      status: "hit-memory",
      tier: "memory",
      entry,
      unreachable: false,
      currentAt,
      stored: false,
    };
  }

  async function findUsable(key: string, ctx: Context): Promise<Entry | undefined> {
    for (const report of await inspect(key, ctx)) {
      if (report.state !== "held") continue;
      const { entry, verdict } = report;
      if (verdict !== "valid" && verdict !== "soft") continue;
      if (answersWithoutLoad(freshnessOf(entry, ctx.now()))) return entry;
    }
    return undefined;
  }

  const refuse = (): never => {
    throw new CacheUnavailable(fault("origin.abandoned", "a dry run stores nothing"));
  };
  const dryEngine: Engine = {
    lookup: (key, policy, _task, ctx) => lookUp(key, policy, ctx),
    refresh: (key, policy, _task, ctx) => lookUp(key, policy, ctx),
    logPosition: engine.logPosition,
    beginRead: engine.beginRead,
    decide: engine.decide,
    positionOf: engine.positionOf,
    put: refuse,
    discard: () => undefined,
  };
  const batch: Batch = {
    async lookupMany(keys, policy, _load, ctx) {
      const found = new Map<string, Lookup>();
      for (const key of new Set(keys)) found.set(key, await lookUp(key, policy, ctx));
      return found;
    },
  };
  const warmer: Warmer = { warm: refuse };
  const scope = createScopeMiddleware({
    ...options,
    engine: dryEngine,
    batch,
    warmer,
    observer: undefined,
    expose: "none",
    headers: ALL_HEADERS,
    dispatch: refuse,
  });

  return {
    scope: (c, next) =>
      scope(c, async () => {
        const reads: DryRead[] = [];
        readsOfRequest.set(c.req.raw, reads);
        readsOfContext.set(c.var.strata.ctx, reads);
        await next();
      }),
    readsOf: (request) => readsOfRequest.get(request) ?? [],
  };
}
