/** Who waits for a load from the origin, though it is only known afterwards whether its result may be shared. */
import type { Entry } from "../../core/entry.ts";
import type { FlightScope } from "../../core/policy.ts";
import type { FieldReader } from "../rfc/fields.ts";
import { CONDITIONAL } from "../rfc/validation.ts";

/** With them, what one request brings need not be what others may have. */
const OF_ONE_REQUEST = ["Authorization", "Cache-Control", "Pragma"] as const;

/**
 * How far the flight of a load reaches. `held`: what the origin is asked to confirm;
 * `ended`: what has been invalidated. Either shows that this URI's responses are
 * cacheable; of any other that is unknown, and it never costs a question elsewhere.
 */
export function flightScopeOf(
  { method, headers }: { readonly method: string; readonly headers: FieldReader },
  held: Entry | undefined,
  ended: Entry | undefined,
): FlightScope {
  const stored = held ?? ended;
  if (stored === undefined) return "isolate";
  // It was stale when it came, as the next one will be: good for whoever asked for it alone.
  if (stored.freshUntil <= stored.storedAt) return "off";
  const { part, variants } = stored.http ?? {};
  const has = (name: string): boolean => headers.get(name) !== null;
  if (method !== "GET" || OF_ONE_REQUEST.some(has)) return "isolate";
  // Parts are asked for one by one; a list of variants answers nobody.
  if (part !== undefined || variants !== undefined) return "isolate";
  // Without anything to confirm, the client's own condition goes to the origin.
  return held === undefined && CONDITIONAL.some(has) ? "isolate" : "region";
}
