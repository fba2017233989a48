/** What a handler's response becomes in the cache: its own word first, the route's policy where it is silent. */
import type { LoadResult, StorableResult } from "../../core/entry.ts";
import { MAX_LIFETIME_MS, type Policy } from "../../core/policy.ts";
import type { DependencyCollector } from "../../engine/dependency-collector.ts";
import { etagOf } from "../cache/etag.ts";
import {
  decideStorage,
  NOT_STORED,
  UNCACHEABLE,
  type StorageDecision,
} from "../cache/cacheable-response.ts";
import type { FieldReader } from "../rfc/fields.ts";
import type { Exchange } from "../rfc/freshness.ts";
import { textOf } from "../cache/text-bytes.ts";

/** Statuses that a route's policy applies to. 404 and 410 are kept as negatives. */
const BY_POLICY = new Set([200, 203, 301, 308, 404, 410]);

/** Fields that are written anew for each answer. */
const OF_THE_ANSWER = new Set([
  "age",
  "cache-status",
  "content-length",
  "server-timing",
  "x-cache-status",
  "x-response-time",
]);

/** Responses over this size pass through and are not kept. */
const MAX_BODY_BYTES = 1_048_576;

/** Whether a failure's response is meant to be kept: only if it says so itself. */
export function isExplicit(verdict: StorageDecision): boolean {
  return verdict.storing === "store" && verdict.explicit;
}

export function judgeRoute(
  request: FieldReader,
  response: Response,
  exchange: Exchange,
  scope: string,
  policy: Policy,
): StorageDecision {
  const head = {
    status: response.status,
    sent: response.headers,
    fields: response.headers,
    ...exchange,
  };
  return decideStorage(request, head, scope, {
    disconnectedMs: policy.staleIfErrorMs,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    validateMs: 0,
    maxMs: MAX_LIFETIME_MS,
  });
}

/** The entry's material, with the response for whoever asked if it is not to be shared. */
export async function routeMaterial(
  response: Response,
  verdict: StorageDecision,
  collector: DependencyCollector,
): Promise<{ readonly loaded: LoadResult; readonly response: Response }> {
  const refusal = refusalOf(response, verdict);
  if (refusal !== undefined) return { loaded: refusal, response };
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, headers } = response;
  const again = new Response(bytes, { status, headers });
  if (bytes.byteLength > MAX_BODY_BYTES) return { loaded: UNCACHEABLE, response: again };
  const etag = verdict.etag === "" ? await etagOf(bytes) : verdict.etag;
  const made = collector.finish({
    kind: status === 404 || status === 410 ? "absent" : "value",
    body: textOf(bytes) ?? bytes,
    http: { status, headers: fieldsOf(verdict), ...(verdict.explicit && verdict.meta) },
    etag,
  });
  if (!made.storable) return { loaded: made, response: again };
  const loaded: StorableResult = {
    ...made,
    invalidationKeys: [...made.invalidationKeys, ...verdict.members],
    ...(verdict.explicit && { lifetimes: verdict.lifetimes }),
  };
  return { loaded, response: again };
}

/** What of a response is never shared, whatever the policy. */
function refusalOf(
  response: Response,
  { storing, explicit, control }: StorageDecision,
): LoadResult | undefined {
  if (response.headers.has("Set-Cookie") || control.noCache === true) return UNCACHEABLE;
  switch (storing) {
    case "private":
    case "varies":
      return UNCACHEABLE;
    case "authorization":
      return NOT_STORED;
    case "no-store":
      // A 404 problem says no-store to clients; here the route's negative lifetime decides.
      return isNegative(response) && !explicit ? undefined : UNCACHEABLE;
    case "store":
    case "silent":
    case "cookie":
    case "status":
      return explicit || BY_POLICY.has(response.status) ? partial(response) : UNCACHEABLE;
  }
}

function isNegative({ status }: Response): boolean {
  return status === 404 || status === 410;
}

/** A part that the handler made by itself answers one request alone. */
function partial({ status }: Response): LoadResult | undefined {
  return status === 206 || status === 304 || status === 412 || status === 416
    ? NOT_STORED
    : undefined;
}

/** Where the policy decides, what the response says to clients is said anew with each answer. */
function fieldsOf({ fields, explicit, etag }: StorageDecision): [string, string][] {
  return fields.filter(
    ([name]) =>
      !OF_THE_ANSWER.has(name) &&
      (explicit || name !== "cache-control") &&
      !(name === "etag" && etag === ""),
  );
}
