import { freshnessOf, type Entry, type Freshness } from "../../core/entry.ts";
import type { EpochMs } from "../../core/time.ts";
import { permitsSharing } from "../rfc/cacheability.ts";
import { forbidsStale } from "../rfc/lifetimes.ts";
import { NO_REQUEST_DIRECTIVES, type RequestControl } from "../rfc/request-control.ts";
import { responseControlOf } from "../rfc/response-control.ts";
import { freshnessForRequest } from "../rfc/reuse.ts";
import { fieldsOf } from "./entry-fields.ts";
import { hasAcceptedCoding } from "./content-coding.ts";
import { hasRequestedBytes } from "./partial-response.ts";
import { hasCredentials, type SharingRules } from "./sharing-rules.ts";
import { variantsOf } from "./variants.ts";

/**
 * Decides whether a stored response may answer this request (RFC 9111, 4). Routes
 * and the proxy ask no other function. `control` holds the request directives that
 * count; a cache that ignores them passes `NO_REQUEST_DIRECTIVES`.
 */
export function decideReuse(
  request: Request,
  entry: Entry,
  control: RequestControl,
  sharing: SharingRules,
  now: EpochMs,
): Freshness {
  // A list of variants is not a response: it is fresh as long as one variant may be stored.
  if (variantsOf(entry) !== undefined) return now < entry.deleteAt ? "fresh" : "expired";
  // RFC 9111, 3.3: a stored part answers only requests for bytes that it contains.
  if (!hasRequestedBytes(request, entry, now)) return now < entry.deleteAt ? "kept" : "expired";
  // RFC 9110, 12.5.3: a response in a coding that the client refuses is no answer to it.
  if (!hasAcceptedCoding(request, entry)) return now < entry.deleteAt ? "kept" : "expired";
  if (isForOthers(request, entry, sharing)) return now < entry.deleteAt ? "kept" : "expired";
  if (control === NO_REQUEST_DIRECTIVES) return freshnessOf(entry, now);
  const bornAt = entry.http?.bornAt ?? entry.storedAt;
  return freshnessForRequest({ ...entry, bornAt }, control, now, () =>
    forbidsStale(responseControlOf(fieldsOf(entry))),
  );
}

/**
 * Whether the request has credentials, and the stored response has no permission to answer such
 * requests. An application that says nothing of sharing would have made another response for this client.
 */
export function isForOthers(request: Request, entry: Entry, sharing: SharingRules): boolean {
  return (
    !sharing.answersCredentials &&
    !isPermitted(entry, sharing) &&
    hasCredentials(request.headers, sharing)
  );
}

/** By entry, because most hits of browsers have a cookie. All rules that ask have the same permissions. */
const permitted = new WeakMap<Entry, boolean>();

function isPermitted(entry: Entry, sharing: SharingRules): boolean {
  const known = permitted.get(entry);
  if (known !== undefined) return known;
  const found = permitsSharing(responseControlOf(fieldsOf(entry)), sharing);
  permitted.set(entry, found);
  return found;
}

/** Whether the origin can confirm the stored response for this request with 304. */
export function isConfirmable(request: Request, entry: Entry, sharing: SharingRules): boolean {
  // A date is often the same for the pages of all clients; an entity tag is not.
  return entry.etag !== "" || !isForOthers(request, entry, sharing);
}
