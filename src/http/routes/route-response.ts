/** Makes the result of a load from a handler's response. */
import type { LoadResult } from "../../core/entry.ts";
import { MAX_LIFETIME_MS, type Policy } from "../../core/policy.ts";
import type { Millis } from "../../core/time.ts";
import type { DependencyCollector } from "../../engine/dependency-collector.ts";
import { codingOf, fieldsOfDecoded } from "../cache/body-coding.ts";
import { etagOf } from "../../core/etag.ts";
import { isOwnProblem } from "../cache/problem.ts";
import { RFC_SHARING } from "../cache/sharing-rules.ts";
import {
  decideStorage,
  HIT_FOR_MISS,
  hitForMiss,
  isNegative,
  routeRefusalOf,
  type StorageDecision,
} from "../cache/storage-decision.ts";
import { textOf } from "../cache/text-bytes.ts";
import type { FieldReader } from "../rfc/fields.ts";
import type { ExchangeTimes } from "../rfc/freshness.ts";
import type { Answer } from "./answer.ts";
import { collectCopy, hasUnstorableBody } from "./response-body.ts";

/** The fields that are set again for each answer, and are therefore not stored. */
const SET_PER_ANSWER = new Set([
  "age",
  "cache-status",
  "content-length",
  "server-timing",
  "x-cache-status",
  "x-response-time",
]);

/** The fields of outer middleware that limit the storing of a route's response if it is silent itself. */
const CONTROLS = ["cache-control", "cdn-cache-control", "expires"] as const;

/** A body that has not ended after this time is streamed to the client while it arrives. */
const STREAM_AFTER_MS: Millis = 10;
/** The longest time for which other readers of the key wait for such a body. */
const SHARE_WAIT_MS: Millis = 1_000;

/**
 * Decides by RFC 9111 whether a handler's response is stored. The stale windows of the policy are
 * upper limits. If the route states no directives, those of outer middleware apply, but they are
 * not stored.
 */
export function decideRouteStorage(
  request: FieldReader,
  { response, outer }: Answer,
  times: ExchangeTimes,
  scope: string,
  policy: Policy,
): StorageDecision {
  const { status } = response;
  const fields = new Headers(response.headers);
  // The `no-store` of a problem document is for clients. The policy's negative lifetime decides.
  if (isNegative(status) && isOwnProblem(response)) fields.delete("Cache-Control");
  const isSilent = !CONTROLS.some((name) => fields.has(name));
  if (isSilent)
    for (const name of CONTROLS) {
      const value = outer.get(name);
      if (value !== null) fields.set(name, value);
    }
  const limits = {
    disconnectedMs: policy.staleIfErrorMs,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    validateMs: 0,
    maxMs: MAX_LIFETIME_MS,
  };
  const head = { status, sent: fields, fields, ...times };
  const decision = decideStorage(request, head, scope, limits, RFC_SHARING);
  return isSilent ? { ...decision, fields: without(CONTROLS, decision.fields) } : decision;
}

/** The client that waits for a handler's response. */
export interface WaitingClient {
  /** Sends the response while its body is still arriving. */
  stream(response: Response): void;
  /** Stores a result that comes after the load has ended. */
  storeLater(result: Promise<LoadResult>): void;
}

/**
 * Makes the load result of a handler's response. The response itself stays unread, for the case
 * that the result is not stored. `client` is undefined if no client waits, as in a refresh.
 */
export async function loadResultOf(
  response: Response,
  decision: StorageDecision,
  collector: DependencyCollector,
  client: WaitingClient | undefined,
): Promise<LoadResult> {
  const refusal = routeRefusalOf(response, decision);
  if (refusal !== undefined) return refusal;
  if (hasUnstorableBody(response)) return hitForMiss("body");
  const result = collectCopy(response).then((bytes) =>
    bytes === undefined ? hitForMiss("body") : resultOf(bytes, response, decision, collector),
  );
  if (client === undefined) return result;
  const early = await Promise.race([result, sleep(STREAM_AFTER_MS)]);
  if (early !== undefined) return early;
  client.stream(response);
  const shared = await Promise.race([result, sleep(SHARE_WAIT_MS)]);
  if (shared !== undefined) return shared;
  client.storeLater(result);
  return HIT_FOR_MISS;
}

async function resultOf(
  bytes: Uint8Array,
  { status, headers }: Response,
  decided: StorageDecision,
  collector: DependencyCollector,
): Promise<LoadResult> {
  const coding = codingOf(headers, bytes);
  if (coding === "unknown") return hitForMiss("body");
  const isDecoded = coding === "decoded";
  const decision = isDecoded ? withFields(decided, fieldsOfDecoded(decided.fields)) : decided;
  const etag = decision.etag === "" ? await etagOf(bytes) : decision.etag;
  collector.carry(decision.tags);
  const result = collector.finish({
    kind: isNegative(status) ? "absent" : "value",
    body: textOf(bytes) ?? bytes,
    http: { status, headers: fieldsToStore(decision), ...(decision.explicit && decision.meta) },
    etag,
  });
  return result.storable && decision.explicit
    ? { ...result, lifetimes: decision.lifetimes }
    : result;
}

/** The same decision for a response with other fields. */
function withFields(decision: StorageDecision, fields: [string, string][]): StorageDecision {
  return { ...decision, fields, etag: fields.find(([name]) => name === "etag")?.[1] ?? "" };
}

function sleep(ms: Millis): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
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

function without(
  names: readonly string[],
  fields: readonly [string, string][],
): [string, string][] {
  return fields.filter(([name]) => !names.includes(name));
}
