import { currentAtOf, lifetimesOf, type Entry } from "./entry.ts";
import type { Policy } from "./policy.ts";
import type { EpochMs, Millis } from "./time.ts";

/**
 * Returns the copy of an entry whose lifetime begins anew at `now`. The log position and the instant at
 * which the value was current stay. `freshForMs` replaces the fresh lifetime of the policy.
 */
export function renewedCopy(
  entry: Entry,
  policy: Policy,
  freshForMs: Millis | undefined,
  now: EpochMs,
): Entry {
  const { ofPolicy: _, ...rest } = entry;
  const own = freshForMs !== undefined && { freshForMs };
  return {
    ...rest,
    ...lifetimesOf(policy, { kind: entry.kind, ...own }, now, 0),
    storedAt: now,
    currentAt: currentAtOf(entry),
    ...(!own && { ofPolicy: true }),
  };
}
