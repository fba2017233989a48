/** Runs the handler of a cached route. It sees the same in each run: a load, a refresh, or a run for one client. */
import type { Context as HonoContext } from "hono";
import type { LoadResult } from "../../core/entry.ts";
import { CacheUnavailable, DefinitionError, fault, messageOf } from "../../core/faults.ts";
import { isJsonRefusal } from "../../core/json-text.ts";
import type { Policy } from "../../core/policy.ts";
import type { EpochMs } from "../../core/time.ts";
import {
  createDependencyCollector,
  type DependencyCollector,
} from "../../engine/dependency-collector.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import {
  endsStale,
  hitForMiss,
  isExplicitlyStorable,
  isNegative,
  notStored,
} from "../cache/storage-decision.ts";
import type { FieldReader } from "../rfc/fields.ts";
import type { Answer } from "./answer.ts";
import { callHandler } from "./handler-call.ts";
import { openHandlerView, type HandlerView } from "./handler-view.ts";
import { internalScopeOf } from "./middleware.ts";
import type { NamedParts } from "./named-parts.ts";
import { privateResponse, withVary } from "./private-answer.ts";
import type { HandlerResult, StrataEnv } from "./request-scope.ts";
import { decideRouteStorage, loadResultOf, type WaitingClient } from "./route-response.ts";

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
  /** Whether the route obeys request directives (RFC 9111, 5.2.1). */
  readonly requestDirectives: boolean;
  /** The Cache-Control of responses that state no lifetime. */
  readonly clientControl: string;
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
  /** The handler's answer, which is sent if no entry answers. The run sets it. */
  answer: Answer | undefined;
  /** The name of what the handler read although the key does not name it. The run sets it. */
  unkeyed: string | undefined;
}

interface HandlerRun {
  readonly view: HandlerView;
  readonly collector: DependencyCollector;
  readonly requestedAt: EpochMs;
  readonly answer: Answer;
  /** Keeps the view open until `late` is settled. The body of the answer is still arriving. */
  keepOpen(late: Promise<unknown>): void;
}

/** Calls the handler for all clients. `client` waits for the answer; it is undefined in a refresh. */
export function loadFromHandler(
  call: HandlerCall,
  client: WaitingClient | undefined,
): Promise<HandlerResult> {
  const { url } = call.c.req.raw;
  return runHandler(call, (run) => resultOf(call, run, client, new URL(url).origin));
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
  const collector = createDependencyCollector(scope.engine.positionOf);
  const watched: DependencyCollector = {
    ...collector,
    include(lookup) {
      if (!route.sharesTenants) view.check(lookup);
      collector.include(lookup);
    },
  };
  scope.collector = watched;
  let late: Promise<unknown> | undefined;
  const close = (): void => {
    view.close();
    scope.collector = undefined;
  };
  try {
    collector.tag(...route.tagsOf(c));
    const requestedAt = scope.ctx.now();
    const { response, outer } = await scope.loads.run(watched, () => callHandler(c, scope, next));
    const answer = { response: withVary(response, view.negotiated), outer };
    call.answer = answer;
    const keepOpen = (result: Promise<unknown>): void => void (late = result);
    return await finish({ view, collector, requestedAt, answer, keepOpen });
  } finally {
    call.unkeyed = view.unkeyed;
    if (late === undefined) {
      if (view.unkeyed !== undefined && call.answer !== undefined)
        call.answer = { ...call.answer, response: privateResponse(call.answer.response) };
      close();
    } else scope.ctx.defer(late.then(close, close));
  }
}

async function resultOf(
  { c, route, fields }: HandlerCall,
  { view, collector, requestedAt, answer, keepOpen }: HandlerRun,
  client: WaitingClient | undefined,
  origin: string,
): Promise<HandlerResult> {
  // An answer that there is nothing may hide that this client may not see it.
  const handlerFields = isNegative(answer.response.status) ? fields : withoutAuthorization(fields);
  const times = { requestedAt, respondedAt: internalScopeOf(c).ctx.now() };
  const decision = decideRouteStorage(handlerFields, answer, times, origin, route.policy);
  const { response } = answer;
  const { status, headers } = response;
  if (status >= 500 && !isExplicitlyStorable(decision)) throw failureOf(c, status);
  const varied = view.negotiated.size;
  // The response goes to this client alone, so that its body need not be read for others.
  if (view.unkeyed !== undefined || !view.isStable)
    return { loaded: judged(hitForMiss("unkeyed", view.unkeyed)), endsStale: view.isStable };

  /** Keeps a result from other clients if the handler has read what the key does not name. */
  function judged(loaded: LoadResult): LoadResult {
    // A client can send a request that costs too many runs of the key function. It says nothing about
    // the requests of others.
    if (!view.isStable) return notStored("unstable");
    // The body has read a field after Vary was complete.
    if (view.negotiated.size > varied) view.add("header", [...view.negotiated].at(-1) ?? "");
    if (view.unkeyed !== undefined) return hitForMiss("unkeyed", view.unkeyed);
    return loaded.storable ? loaded : { ...collector.basis(), ...loaded };
  }

  const waiting = client && {
    stream: client.stream,
    storeLater(result: Promise<LoadResult>) {
      const late = result.then(judged);
      keepOpen(late);
      client.storeLater(late);
    },
  };
  const loaded = judged(await loadResultOf(response, decision, collector, waiting));
  const isForOne =
    view.unkeyed !== undefined ||
    headers.has("Set-Cookie") ||
    endsStale(decision, handlerFields, status, RFC_SHARING, true);
  return { loaded, endsStale: view.isStable && !loaded.storable && isForOne };
}

/** Returns the error of a handler that has failed. JSON that refuses its value is a mistake, and no outage. */
function failureOf({ error, req }: HonoContext, status: number): Error {
  if (isJsonRefusal(error))
    return new DefinitionError("handler", `${req.path}: ${messageOf(error)}`);
  return error ?? new CacheUnavailable(fault("origin.unavailable", `answered ${status}`));
}

/**
 * Returns request fields without Authorization. The handler does not see that field, or the key names
 * it, so RFC 9111, 3.5 has no response to protect.
 */
function withoutAuthorization(fields: FieldReader): FieldReader {
  return { get: (name) => (/^authorization$/i.test(name) ? null : fields.get(name)) };
}
