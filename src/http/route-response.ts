/** What a handler's response becomes in the cache: its own word first, the route's policy where it is silent. */
import type { Loaded, Storable } from "../core/entry.ts";
import { MAX_LIFETIME_MS, type Policy } from "../core/policy.ts";
import type { Collector } from "../engine/collect.ts";
import { etagOf } from "./etag.ts";
import { judgeResponse, PASSING, UNSHARED, type Verdict } from "./made.ts";
import type { FieldReader } from "./rfc/fields.ts";
import type { Exchange } from "./rfc/freshness.ts";
import { textOf } from "./text-bytes.ts";

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
export function isExplicit(verdict: Verdict): boolean {
  return verdict.storing === "store" && verdict.explicit;
}

export function judgeRoute(
  request: FieldReader,
  response: Response,
  exchange: Exchange,
  scope: string,
  policy: Policy,
): Verdict {
  const head = {
    status: response.status,
    sent: response.headers,
    fields: response.headers,
    ...exchange,
  };
  return judgeResponse(request, head, scope, {
    disconnectedMs: policy.staleIfErrorMs,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    validateMs: 0,
    maxMs: MAX_LIFETIME_MS,
  });
}

/** The entry's material, with the response for whoever asked if it is not to be shared. */
export async function routeMaterial(
  response: Response,
  verdict: Verdict,
  collector: Collector,
): Promise<{ readonly loaded: Loaded; readonly response: Response }> {
  const refusal = refusalOf(response, verdict);
  if (refusal !== undefined) return { loaded: refusal, response };
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, headers } = response;
  const again = new Response(bytes, { status, headers });
  if (bytes.byteLength > MAX_BODY_BYTES) return { loaded: UNSHARED, response: again };
  const etag = verdict.etag === "" ? await etagOf(bytes) : verdict.etag;
  const made = collector.finish({
    kind: status === 404 || status === 410 ? "absent" : "value",
    body: textOf(bytes) ?? bytes,
    http: { status, headers: fieldsOf(verdict), ...(verdict.explicit && verdict.meta) },
    etag,
  });
  if (!made.storable) return { loaded: made, response: again };
  const loaded: Storable = {
    ...made,
    members: [...made.members, ...verdict.members],
    ...(verdict.explicit && { lifetimes: verdict.lifetimes }),
  };
  return { loaded, response: again };
}

/** What of a response is never shared, whatever the policy. */
function refusalOf(
  response: Response,
  { storing, explicit, control }: Verdict,
): Loaded | undefined {
  if (response.headers.has("Set-Cookie") || control.noCache === true) return UNSHARED;
  switch (storing) {
    case "private":
    case "varies":
      return UNSHARED;
    case "authorization":
      return PASSING;
    case "no-store":
      // A 404 problem says no-store to clients; here the route's negative lifetime decides.
      return isNegative(response) && !explicit ? undefined : UNSHARED;
    case "store":
    case "silent":
    case "cookie":
    case "status":
      return explicit || BY_POLICY.has(response.status) ? partial(response) : UNSHARED;
  }
}

function isNegative({ status }: Response): boolean {
  return status === 404 || status === 410;
}

/** A part that the handler made by itself answers one request alone. */
function partial({ status }: Response): Loaded | undefined {
  return status === 206 || status === 304 || status === 412 || status === 416 ? PASSING : undefined;
}

/** Where the policy decides, what the response says to clients is said anew with each answer. */
function fieldsOf({ fields, explicit, etag }: Verdict): [string, string][] {
  return fields.filter(
    ([name]) =>
      !OF_THE_ANSWER.has(name) &&
      (explicit || name !== "cache-control") &&
      !(name === "etag" && etag === ""),
  );
}
