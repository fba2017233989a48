import { createBoundedMap } from "../core/bounded-map.ts";
import type { Fault } from "../core/faults.ts";
import type { Random } from "../core/random.ts";
import type { EpochMs, Millis } from "../core/time.ts";

const FIRST_PAUSE_MS: Millis = 100;
const LONGEST_PAUSE_MS: Millis = 1_000;
const MAX_KEYS = 1_000;
/** One client can provoke failures of its own requests. Those of so many in a row show that the origin fails. */
const MIN_CLIENTS = 3;

/**
 * Exponential backoff after failed loads, for each key. The first failure causes no pause: the
 * next caller tries again at once. From the second failure in a row on, callers get the fault
 * without an attempt, for a pause that doubles with each failure and is shortened by up to half
 * at random. If the loads are sent for clients, there is no pause before the loads of
 * `MIN_CLIENTS` different ones have failed in a row.
 */
export interface LoadBackoff {
  /** The fault to answer with during a pause; undefined if a load may be tried. */
  recent(key: string, now: EpochMs): Fault | undefined;
  /** `client` is the one whose request the load sent to the origin, if it was sent for one. */
  failed(key: string, fault: Fault, now: EpochMs, client?: string): void;
  succeeded(key: string): void;
}

interface Failure {
  readonly fault: Fault;
  readonly until: EpochMs;
  readonly streak: number;
  /** The first clients whose loads failed in this row. */
  readonly clients: readonly string[];
}

export function createLoadBackoff(random: Random): LoadBackoff {
  const failures = createBoundedMap<string, Failure>(MAX_KEYS);
  return {
    recent(key, now) {
      const failure = failures.get(key);
      if (failure === undefined || now >= failure.until) return undefined;
      // A pause that seems longer than the longest shows that the clock was set back.
      return failure.until - now <= LONGEST_PAUSE_MS ? failure.fault : undefined;
    },
    failed(key, fault, now, client) {
      const before = failures.get(key);
      const clients = withClient(before?.clients ?? [], client);
      const isProvable = client === undefined || clients.length >= MIN_CLIENTS;
      const streak = isProvable ? (before?.streak ?? 0) + 1 : 1;
      const pauseMs =
        streak === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (streak - 2), LONGEST_PAUSE_MS);
      const until = now + pauseMs * (1 - random() / 2);
      failures.set(key, { fault, until, streak, clients });
    },
    succeeded: (key) => failures.delete(key),
  };
}

function withClient(clients: readonly string[], client: string | undefined): readonly string[] {
  if (client === undefined || clients.length >= MIN_CLIENTS || clients.includes(client))
    return clients;
  return [...clients, client];
}
