/**
 * Answers a GET or HEAD request to a cached route, in these steps:
 *
 * 1. A request that refreshes an entry in the background runs the handler, and gives the result to the
 *    lookup that sent it.
 * 2. The key of the resource is looked up. If no entry may answer, the lookup runs the handler and
 *    stores its response.
 * 3. If the entry is a list of variants, a second lookup uses the key of the variant.
 * 4. The client gets the entry; or the response of the handler, if that is an error, if its body is
 *    still arriving, or if it is for this client alone.
 */
import type { Context as HonoContext } from "hono";
import type { Context } from "../../core/context.ts";
import type { Entry, LoadResult, Variant } from "../../core/entry.ts";
import type { Lookup } from "../../core/lookup.ts";
import type { Put } from "../../engine/engine.ts";
import type { LoadTask } from "../../engine/lookup-request.ts";
import { onlyIfCachedProblem } from "../cache/problem.ts";
import { decideReuse } from "../cache/reuse-decision.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import { NOT_STORED } from "../cache/storage-decision.ts";
import { peekStored, storeVariant, type VariantTarget } from "../cache/store-variant.ts";
import { likelySelectors, selectVariant, variantKey, variantsOf } from "../cache/variants.ts";
import type { FieldReader } from "../rfc/fields.ts";
import {
  NO_REQUEST_DIRECTIVES,
  requestControlOf,
  type RequestControl,
} from "../rfc/request-control.ts";
import { answerWith, changeFields, replaceAnswer } from "./answer.ts";
import { discard, endHandlerCall } from "./handler-call.ts";
import { internalScopeOf } from "./middleware.ts";
import { unkeyedStatus } from "./private-answer.ts";
import type { HandlerResult, InternalScope, StrataEnv } from "./request-scope.ts";
import { respondWithEntry } from "./respond.ts";
import type { WaitingClient } from "./route-response.ts";
import {
  answerFromHandler,
  loadFromHandler,
  type HandlerCall,
  type RouteDefinition,
} from "./run-handler.ts";

/** A request to a cached route. */
export interface IncomingRequest {
  readonly c: HonoContext<StrataEnv>;
  readonly next: () => Promise<void>;
  readonly route: RouteDefinition;
  /** The key of the resource. */
  readonly primary: string | Promise<string>;
}

/** What the steps of one request share. */
interface RouteRequest {
  readonly request: Request;
  readonly scope: InternalScope;
  readonly call: HandlerCall;
  readonly control: RequestControl;
  /** Whether a lookup of this request has called the handler. */
  hasLoaded: boolean;
  /** What the load stored under a key other than the one that was looked up. */
  storedElsewhere: Put | undefined;
}

export async function answerFromRoute(incoming: IncomingRequest): Promise<void> {
  const { c, next, route } = incoming;
  let { primary } = incoming;
  // `await` is used only for a promise: a hit of memory then ends in the turn in which it began.
  if (typeof primary !== "string") primary = await primary;
  const request = c.req.raw;
  const { headers } = request;
  const { requestDirectives } = route;
  const fields = requestDirectives ? headers : withoutDirectives(headers);
  const scope = internalScopeOf(c);
  const call = { c, next, route, primary, fields, answer: undefined, unkeyed: undefined };
  if (scope.refreshing?.key === primary) return refresh(call, scope);

  const control = requestDirectives ? requestControlOf(headers) : NO_REQUEST_DIRECTIVES;
  const state: RouteRequest = {
    request,
    scope,
    call,
    control,
    hasLoaded: false,
    storedElsewhere: undefined,
  };
  let lookup: Lookup | undefined;
  try {
    const looked = lookUp(state, primary, []);
    lookup = looked instanceof Promise ? await looked : looked;
    const variants = state.storedElsewhere === undefined ? variantsOf(lookup?.entry) : undefined;
    if (variants !== undefined) lookup = await lookUpVariant(state, variants);
  } catch (error) {
    return sendError(state, error);
  } finally {
    scope.routeError = c.error;
    endHandlerCall(c, scope);
  }
  if (lookup === undefined) return sendStreamed(state);
  const { storedElsewhere } = state;
  scope.route =
    storedElsewhere === undefined ? lookup : { ...lookup, status: "miss", ...storedElsewhere };
  const { entry } = scope.route;
  return entry === undefined ? sendOwn(state) : sendEntry(state, entry);
}

/** Step 1: the result goes to the lookup that sent this request. */
async function refresh(call: HandlerCall, scope: InternalScope): Promise<void> {
  if (scope.refreshing !== undefined)
    scope.refreshing.result = await loadFromHandler(call, undefined);
  if (call.answer !== undefined) answerWith(call.c, call.answer);
}

/** Step 3. */
async function lookUpVariant(
  state: RouteRequest,
  variants: readonly Variant[],
): Promise<Lookup | undefined> {
  const { primary, fields } = state.call;
  const selected = selectVariant(variants, fields)?.key;
  const key = selected ?? (await variantKey(primary, likelySelectors(variants, fields)));
  return lookUp(state, key, variants);
}

/** Steps 2 and 3. Undefined if the client gets the handler's response while its body is still arriving. */
function lookUp(
  state: RouteRequest,
  key: string,
  variants: readonly Variant[],
): Lookup | Promise<Lookup | undefined> {
  const { request, scope, call, control } = state;
  const { engine, ctx } = scope;
  const { c, primary, fields, route } = call;
  const { policy } = route;
  const target = { engine, policy, ctx, primary, key, variants, request: fields };
  // A load calls it when the client gets the handler's response while the body is still arriving.
  let stream = ignore;
  const task: LoadTask = {
    freshnessOf: (entry, now) => decideReuse(request, entry, control, RFC_SHARING, now),
    load(_signal, stale) {
      state.hasLoaded = true;
      if (!control.onlyIfCached)
        return store(
          state,
          target,
          (storeLater) => loadFromHandler(call, { stream, storeLater }),
          stale,
        );
      c.res = onlyIfCachedProblem();
      return Promise.resolve(NOT_STORED);
    },
    refresh: (_signal, stale) => store(state, target, () => scope.redispatch(primary), stale),
  };
  const running = engine.lookup(key, policy, task, ctx);
  if (!(running instanceof Promise)) return running;
  return untilStreamed(running, ctx, (streamed) => {
    stream = streamed;
  });
}

/**
 * Waits for a lookup, or until its client gets the handler's response while the body is still
 * arriving. The lookup then goes on in the background, and the result is undefined.
 */
function untilStreamed(
  running: Promise<Lookup>,
  ctx: Context,
  onStreamed: (streamed: () => void) => void,
): Promise<Lookup | undefined> {
  return new Promise((resolve, reject) => {
    onStreamed(() => {
      ctx.defer(running.then(ignore, ignore));
      resolve(undefined);
    });
    running.then(resolve, reject);
  });
}

const ignore = (): void => undefined;

type StoreLater = WaitingClient["storeLater"];
type Load = (storeLater: StoreLater) => Promise<HandlerResult>;

/** Loads, and stores the result. A stale entry ends if the result shows that it was for one client. */
async function store(
  state: RouteRequest,
  target: VariantTarget,
  load: Load,
  stale: Entry | undefined,
): Promise<LoadResult> {
  const { scope } = state;
  const { loaded, put, endsStale } = await loadAndStore(load, target);
  if (endsStale && stale !== undefined && stale.freshUntil <= scope.ctx.now()) scope.end(stale);
  state.storedElsewhere = put;
  return loaded;
}

async function loadAndStore(
  load: Load,
  target: VariantTarget,
): Promise<HandlerResult & { readonly put?: Put }> {
  const { engine, ctx, key, policy } = target;
  const began = { ...engine.logPosition(), startedAt: ctx.now() };
  const store = async (loaded: LoadResult): ReturnType<typeof storeVariant> =>
    loaded.storable ? storeVariant(loaded, { ...began, storedAt: ctx.now() }, target) : { loaded };
  async function storeAfterLoad(result: Promise<LoadResult>): Promise<void> {
    const late = await result;
    // Another reader may have stored the result of a later load meanwhile.
    const present = await peekStored(target.primary, target);
    if (present !== undefined && present.storedAt > began.startedAt) return;
    const { loaded } = await store(late);
    if (loaded.storable) engine.put(key, policy, loaded, { ...began, storedAt: ctx.now() }, ctx);
  }
  const result = await load((late) => ctx.defer(storeAfterLoad(late)));
  return { ...result, ...(await store(result.loaded)) };
}

/** Sends the error response that the handler has made, because it says more than a 503 of this cache. */
function sendError({ call: { c, answer } }: RouteRequest, error: unknown): void {
  if (answer === undefined || answer.response.status < 500) throw error;
  answerWith(c, answer);
}

/** Sends the handler's response, whose body is still arriving. */
function sendStreamed({ request, scope, call }: RouteRequest): void {
  const { c, primary: key, route, answer } = call;
  const currentAt = scope.ctx.now();
  scope.route = { key, status: "miss", unreachable: false, currentAt, stored: false };
  if (answer === undefined) return;
  if (request.method === "HEAD") discard(answer, scope.ctx);
  answerWith(c, answer);
  changeFields(c, (headers) => {
    if (!headers.has("Cache-Control") && !headers.has("Expires"))
      headers.set("Cache-Control", route.clientControl);
  });
}

function sendEntry({ request, scope, call }: RouteRequest, entry: Entry): void {
  const { c, route, answer } = call;
  if (answer !== undefined) discard(answer, scope.ctx);
  replaceAnswer(c, respondWithEntry(c, request, entry, scope.ctx.now(), route.clientControl));
}

/**
 * Sends the response of this request's own handler, because the result may not be shared. If the load
 * was that of another request, the handler runs now.
 */
async function sendOwn({ scope, call, hasLoaded }: RouteRequest): Promise<void> {
  if (!hasLoaded) await answerFromHandler(call);
  if (call.answer !== undefined) answerWith(call.c, call.answer);
  const { c, unkeyed } = call;
  if (unkeyed !== undefined) scope.cacheStatusOverride = unkeyedStatus(unkeyed, c.res.status);
}

/** Returns the request fields of a client, without the directives that the route ignores. */
function withoutDirectives(headers: Headers): FieldReader {
  return { get: (name) => (/^(?:cache-control|pragma)$/i.test(name) ? null : headers.get(name)) };
}
