import type { Entry } from "../../core/entry.ts";
import type { FlightScope } from "../../core/policy.ts";
import { hasRequestedBytes } from "../cache/partial-response.ts";
import { isForOthers } from "../cache/reuse-decision.ts";
import { hasCredentials, type SharingRules } from "../cache/sharing-rules.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { CONDITIONAL_FIELDS } from "../rfc/validation.ts";
import type { ProxiedRequest, ProxyOptions } from "./proxied-request.ts";

/** With one of these fields, the response to a request is perhaps not for other requests. */
const PERSONAL_FIELDS = ["Authorization", "Cache-Control", "Pragma"] as const;

/** Conditions that only the origin can evaluate (RFC 9111, 4.3.2). */
const ORIGIN_CONDITIONS = ["if-match", "if-unmodified-since"] as const;

/**
 * Chooses which other lookups wait for a load from the origin. A flight across isolates
 * costs a question to a Durable Object, so the load joins one only if the tiers hold
 * evidence that responses of this URI can be shared: `stored`, which the origin is asked
 * to confirm, or `invalidated`, an entry that an invalidation has made unusable. A load
 * whose result can answer no other request is not shared at all.
 */
export function flightScopeOf(
  { sharing, maxBodyBytes }: Pick<ProxyOptions, "sharing" | "maxBodyBytes">,
  { request, control, fillsCache, ctx }: ProxiedRequest,
  stored: Entry | undefined,
  invalidated: Entry | undefined,
): FlightScope {
  // RFC 9111, 5.2.1.5: the response is not stored.
  if (control.noStore) return "off";
  // RFC 9111, 5.2.1.1 and 5.2.1.4: no response to another request answers this one.
  if (control.noCache || control.maxAge === 0) return "off";
  const fills = fillsCache();
  const has = (name: string): boolean => request.headers.has(name);
  const isHead = request.method === "HEAD";
  const asksForPart = !isHead && has("Range");
  // A load that fills the cache asks for the whole response, which answers HEAD and ranges too.
  if (stored === undefined && !fills) {
    if (isHead || asksForPart) return "off";
    // The whole response could not be stored before, and the 304 to a condition cannot be shared.
    if (sharing.fillsFromWhole && CONDITIONAL_FIELDS.some(has)) return "off";
  }
  const evidence = stored ?? invalidated;
  if (evidence === undefined) return "isolate";
  // The origin makes or confirms the response for this client alone.
  if (isForOthers(request, evidence, sharing)) return "off";
  // A response that was stale on arrival answers only the request that loaded it.
  if (evidence.freshUntil <= evidence.storedAt) return "off";
  const { part, variants } = evidence.http ?? {};
  if (part !== undefined) {
    const isUseful = asksForPart
      ? hasRequestedBytes(request, evidence, ctx.now())
      : part.total <= maxBodyBytes;
    return isUseful ? "isolate" : "off";
  }
  if ((isHead && !fills) || PERSONAL_FIELDS.some(has)) return "isolate";
  // A list of variants answers no request.
  if (variants !== undefined) return "isolate";
  // If there is no response to confirm, the client's own condition goes to the origin.
  const conditions = fills ? ORIGIN_CONDITIONS : CONDITIONAL_FIELDS;
  return stored === undefined && conditions.some(has) ? "isolate" : "region";
}

/** The kind of request for hit-for-miss markers: responses to requests with credentials may be unstorable for that reason alone (RFC 9111, 3.5). */
export function requestKindOf(sharing: SharingRules, headers: FieldReader): string | undefined {
  return hasCredentials(headers, sharing) ? "credentials" : undefined;
}
