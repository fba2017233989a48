import type { Entry } from "../../core/entry.ts";
import type { FlightScope } from "../../core/policy.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { CONDITIONAL_FIELDS } from "../rfc/validation.ts";

/** With one of these fields, the response to a request is perhaps not for other requests. */
const PERSONAL_FIELDS = ["Authorization", "Cache-Control", "Pragma"] as const;

/**
 * Chooses which other lookups wait for a load from the origin. A flight across isolates
 * costs a question to a Durable Object, so the load joins one only if the tiers hold
 * evidence that responses of this URI can be shared: `stored`, which the origin is asked
 * to confirm, or `invalidated`, an entry that an invalidation has made unusable.
 */
export function flightScopeOf(
  { method, headers }: { readonly method: string; readonly headers: FieldReader },
  stored: Entry | undefined,
  invalidated: Entry | undefined,
): FlightScope {
  const evidence = stored ?? invalidated;
  if (evidence === undefined) return "isolate";
  // A response that was stale on arrival answers only the request that loaded it.
  if (evidence.freshUntil <= evidence.storedAt) return "off";
  const { part, variants } = evidence.http ?? {};
  const has = (name: string): boolean => headers.get(name) !== null;
  if (method !== "GET" || PERSONAL_FIELDS.some(has)) return "isolate";
  // Different requests ask for different parts, and a list of variants answers none.
  if (part !== undefined || variants !== undefined) return "isolate";
  // If there is no response to confirm, the client's own condition goes to the origin.
  return stored === undefined && CONDITIONAL_FIELDS.some(has) ? "isolate" : "region";
}
