/** Makes the result of a load from a handler's response. */
import type { LoadResult, StorableResult } from "../../core/entry.ts";
import { MAX_LIFETIME_MS, type Policy } from "../../core/policy.ts";
import type { DependencyCollector } from "../../engine/dependency-collector.ts";
import { etagOf } from "../cache/etag.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import {
  decideStorage,
  HIT_FOR_MISS,
  isNegative,
  routeRefusalOf,
  type StorageDecision,
} from "../cache/storage-decision.ts";
import { textOf } from "../cache/text-bytes.ts";
import type { FieldReader } from "../rfc/fields.ts";
import type { ExchangeTimes } from "../rfc/freshness.ts";

/** The fields that are set again for each answer, and are therefore not stored. */
const SET_PER_ANSWER = new Set([
  "age",
  "cache-status",
  "content-length",
  "server-timing",
  "x-cache-status",
  "x-response-time",
]);

/** The maximum number of bytes of a stored body. A larger response is sent to its client but not stored. */
const MAX_BODY_BYTES = 1_048_576;

/** Decides by RFC 9111 whether a handler's response is stored. The stale windows of the policy are upper limits. */
export function decideRouteStorage(
  request: FieldReader,
  response: Response,
  times: ExchangeTimes,
  scope: string,
  policy: Policy,
): StorageDecision {
  const head = {
    status: response.status,
    sent: response.headers,
    fields: response.headers,
    ...times,
  };
  const limits = {
    disconnectedMs: policy.staleIfErrorMs,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    validateMs: 0,
    maxMs: MAX_LIFETIME_MS,
  };
  return decideStorage(request, head, scope, limits, RFC_SHARING);
}

/**
 * Makes the load result of a handler's response, and the response to send if the result is not
 * stored. Reading the body consumes the handler's response, so a copy replaces it.
 */
export async function loadResultOf(
  response: Response,
  decision: StorageDecision,
  collector: DependencyCollector,
): Promise<{ readonly loaded: LoadResult; readonly response: Response }> {
  const refusal = routeRefusalOf(response, decision);
  if (refusal !== undefined) return { loaded: refusal, response };
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, headers } = response;
  const copy = new Response(bytes, { status, headers });
  if (bytes.byteLength > MAX_BODY_BYTES) return { loaded: HIT_FOR_MISS, response: copy };
  const etag = decision.etag === "" ? await etagOf(bytes) : decision.etag;
  const result = collector.finish({
    kind: isNegative(status) ? "absent" : "value",
    body: textOf(bytes) ?? bytes,
    http: { status, headers: fieldsToStore(decision), ...(decision.explicit && decision.meta) },
    etag,
  });
  if (!result.storable) return { loaded: result, response: copy };
  const loaded: StorableResult = {
    ...result,
    invalidationKeys: [...result.invalidationKeys, ...decision.tags],
    ...(decision.explicit && { lifetimes: decision.lifetimes }),
  };
  return { loaded, response: copy };
}

/**
 * Returns the fields to store. If the policy decides the lifetime, Cache-Control is left out,
 * because each answer gets its own.
 */
function fieldsToStore({ fields, explicit, etag }: StorageDecision): [string, string][] {
  return fields.filter(
    ([name]) =>
      !SET_PER_ANSWER.has(name) &&
      (explicit || name !== "cache-control") &&
      !(name === "etag" && etag === ""),
  );
}
