/** Runs the handler of a cached route. It sees the same in each run: a load, a refresh, or a run for one client. */
import type { Context as HonoContext } from "hono";
import { CacheUnavailable, fault } from "../../core/faults.ts";
import type { Policy } from "../../core/policy.ts";
import type { EpochMs } from "../../core/time.ts";
import {
  createDependencyCollector,
  type DependencyCollector,
} from "../../engine/dependency-collector.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import {
  endsStale,
  HIT_FOR_MISS,
  isExplicitlyStorable,
  NOT_STORED,
} from "../cache/storage-decision.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { openHandlerView, type HandlerView } from "./handler-view.ts";
import { internalScopeOf } from "./middleware.ts";
import type { NamedParts } from "./named-parts.ts";
import { addVary, makePrivate, replaceResponse } from "./private-answer.ts";
import type { HandlerResult, StrataEnv } from "./request-scope.ts";
import { decideRouteStorage, loadResultOf } from "./route-response.ts";

/** The rules of one route, as its runs need them. */
export interface RouteDefinition {
  readonly policy: Policy;
  readonly tagsOf: (c: HonoContext<StrataEnv>) => readonly string[];
  readonly partsOf: (
    c: HonoContext<StrataEnv>,
    primary: string,
  ) => NamedParts | Promise<NamedParts>;
  /** The variables that are the same for every client. */
  readonly shared: ReadonlySet<string>;
  readonly sharesTenants: boolean;
  /** The request fields that the rules name, in lower case. */
  readonly keyedFields: ReadonlySet<string>;
  /** The place where `cached()` was called. */
  readonly definedAt: string;
}

/** One request to a route. */
export interface HandlerCall {
  readonly c: HonoContext<StrataEnv>;
  readonly next: () => Promise<void>;
  readonly route: RouteDefinition;
  /** The key of the resource. */
  readonly primary: string;
  /** The request fields by which variants are selected and responses are stored. */
  readonly fields: FieldReader;
  /** The name of what the handler read although the key does not name it. The run sets it. */
  unkeyed: string | undefined;
}

interface HandlerRun {
  readonly view: HandlerView;
  readonly collector: DependencyCollector;
  readonly requestedAt: EpochMs;
}

/** Calls the handler for all clients. If the response is not stored, it stays in `c.res`. */
export function loadFromHandler(call: HandlerCall): Promise<HandlerResult> {
  const { url } = call.c.req.raw;
  return runHandler(call, (run) => resultOf(call, run, new URL(url).origin));
}

/** Calls the handler for this client alone. */
export function answerFromHandler(call: HandlerCall): Promise<void> {
  return runHandler(call, () => Promise.resolve());
}

/** The view of the handler stays open until `finish` is done, because the body may read from it too. */
async function runHandler<T>(
  call: HandlerCall,
  finish: (run: HandlerRun) => Promise<T>,
): Promise<T> {
  const { c, next, route, primary } = call;
  const scope = internalScopeOf(c);
  const parts = await route.partsOf(c, primary);
  const { shared, keyedFields, definedAt } = route;
  const { emit } = scope.ctx;
  const view = openHandlerView(c, { parts, shared, keyedFields, definedAt, emit });
  const collector = createDependencyCollector();
  scope.collector = {
    ...collector,
    include(lookup) {
      if (!route.sharesTenants) view.check(lookup);
      collector.include(lookup);
    },
  };
  try {
    collector.tag(...route.tagsOf(c));
    const requestedAt = scope.ctx.now();
    await next();
    addVary(c, view.negotiated);
    return await finish({ view, collector, requestedAt });
  } finally {
    if (view.unkeyed !== undefined && c.finalized) makePrivate(c);
    call.unkeyed = view.unkeyed;
    view.close();
    scope.collector = undefined;
  }
}

async function resultOf(
  { c, route, fields }: HandlerCall,
  { view, collector, requestedAt }: HandlerRun,
  origin: string,
): Promise<HandlerResult> {
  const handlerFields = withoutAuthorization(fields);
  const times = { requestedAt, respondedAt: internalScopeOf(c).ctx.now() };
  const decision = decideRouteStorage(handlerFields, c.res, times, origin, route.policy);
  const { status, headers } = c.res;
  if (status >= 500 && !isExplicitlyStorable(decision))
    throw c.error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${status}`));
  const varied = view.negotiated.size;
  const { loaded, response } = await loadResultOf(c.res, decision, collector);
  if (response !== c.res) replaceResponse(c, response);
  // The body has read a field after Vary was complete.
  if (view.negotiated.size > varied) view.add("header", [...view.negotiated].at(-1) ?? "");
  // A client can send a request that costs too many runs of the key function. It says nothing about
  // the requests of others.
  if (!view.isStable) return { loaded: NOT_STORED, endsStale: false };
  if (view.unkeyed !== undefined) return { loaded: HIT_FOR_MISS, endsStale: true };
  const isForOne =
    headers.has("Set-Cookie") || endsStale(decision, handlerFields, status, RFC_SHARING, true);
  return { loaded, endsStale: !loaded.storable && isForOne };
}

/**
 * Returns request fields without Authorization. The handler does not see that field, or the key names
 * it, so RFC 9111, 3.5 has no response to protect.
 */
function withoutAuthorization(fields: FieldReader): FieldReader {
  return { get: (name) => (/^authorization$/i.test(name) ? null : fields.get(name)) };
}
