import type { Entry } from "./entry.ts";
import type { EventOf } from "./events.ts";

type Rejection = EventOf<"entry.reject">;

/** Returns the event of an entry that a tier held and that is not used. It has no value, because a program may log it. */
export function rejectionOf(
  { key, invalidationKeys, asOf, era }: Entry,
  tier: Rejection["tier"],
  reason: Rejection["reason"],
): Rejection {
  return { type: "entry.reject", key, tier, reason, entry: { invalidationKeys, asOf, era } };
}
