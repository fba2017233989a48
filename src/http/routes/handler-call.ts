/** Calls the handler of a cached route. */
import type { Context as HonoContext } from "hono";
import type { Context } from "../../core/context.ts";
import { CacheUnavailable, DefinitionError, fault } from "../../core/faults.ts";
import { isNegative } from "../cache/storage-decision.ts";
import { responseControlOf } from "../rfc/response-control.ts";
import { changeFields, dropFieldsOfReplaced, setSessionCookie, type Answer } from "./answer.ts";
import { restoreOuterFields, takeOuterFields } from "./outer-fields.ts";
import type { InternalScope } from "./request-scope.ts";

/** The state of a call that the cached route and its handler share. */
type CallState = Pick<InternalScope, "outerFields" | "sessionCookies">;

/**
 * Calls the handler, and returns its response without the fields of outer middleware. Afterwards the
 * context is as it was before the call.
 *
 * @throws {DefinitionError} if the handler returns no response.
 * @throws {CacheUnavailable} if `endHandlerCall` has ended the call meanwhile.
 */
export async function callHandler(
  c: HonoContext,
  state: CallState,
  next: () => Promise<void>,
): Promise<Answer> {
  const outer = takeOuterFields(c);
  state.outerFields = outer;
  const givenBefore = state.sessionCookies?.length ?? 0;
  // The context belongs to another answer if the call is over, for example after its time limit.
  const isOver = (): boolean => state.outerFields !== outer;
  try {
    await next();
    if (isOver()) throw new CacheUnavailable(fault("origin.timeout", "the handler was too late"));
    if (!c.finalized || !(c.res instanceof Response))
      throw new DefinitionError("handler", `the handler of ${c.req.path} returned no Response`);
    if (c.error !== undefined) changeFields(c, toErrorFields(c.res.status));
    // The decision on storage has to see a cookie that the handler has given beside a `Response` of its own.
    const given = state.sessionCookies?.slice(givenBefore) ?? [];
    if (given.length > 0)
      changeFields(c, (headers) => setSessionCookie(headers, given, given.at(-1)));
    return { response: c.res, outer };
  } finally {
    if (!isOver()) endHandlerCall(c, state);
  }
}

/** Ends the call of a handler, also of one that still runs, so that the request can get another answer. */
export function endHandlerCall(c: HonoContext, state: CallState): void {
  if (state.outerFields !== undefined) restoreOuterFields(c, state.outerFields);
  state.outerFields = undefined;
}

/** Ends the transfer of a handler's response that is not sent. */
export function discard({ response: { body } }: Answer, ctx: Context): void {
  if (body !== null && !body.locked) ctx.defer(body.cancel());
}

/**
 * Returns the function that leaves an error without the fields that the handler set before it threw.
 * A 404 or 410 may be stored by the policy, unless it says itself that it may not.
 */
function toErrorFields(status: number): (headers: Headers) => void {
  return (headers) => {
    const { noStore, private: isPrivate } = responseControlOf(headers);
    const control = headers.get("Cache-Control");
    dropFieldsOfReplaced(headers);
    if (noStore || isPrivate === true) headers.set("Cache-Control", control ?? "no-store");
    else if (!isNegative(status)) headers.set("Cache-Control", "no-store");
  };
}
