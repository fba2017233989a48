/** The parts that an application chooses for the data cache: a shared store, and flight objects. */
import type { WithTimeout } from "../core/deadline.ts";
import type { CacheEvent } from "../core/events.ts";
import type { FlightPort } from "../core/flight-port.ts";
import type { NewId, Random } from "../core/random.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Clock, Millis } from "../core/time.ts";
import type { EntryParts } from "../engine/entry-parts.ts";
import type { FlightStep } from "../engine/flight-step.ts";

/** The parts of the layer that a shared store and flight objects are opened with. */
export interface SharedParts {
  /** Separates applications that use one store. */
  readonly namespace: string;
  readonly newId: NewId;
  readonly now: Clock;
  readonly random: Random;
  readonly withTimeout: WithTimeout;
  readonly emit: (event: CacheEvent) => void;
}

/**
 * A shared store of entries with its invalidation log. `redis()` of the entry `strata/redis` and
 * `durable()` of the entry `strata/durable` make one.
 */
export interface Shared {
  /** Opens the store for one isolate. `createStrata` calls it. */
  open(parts: SharedParts): OpenShared;
}

export interface OpenShared {
  /** The store. It guards itself with a breaker. */
  readonly store: SharedStore;
  /** The time limit of one request to the store. */
  readonly timeoutMs: Millis;
  /** The maximum number of characters of a stored entry. */
  readonly maxEntryChars: number;
  /** The parts of the engine that only a store of entries needs. */
  readonly entries: EntryParts;
}

/** The Durable Objects that coalesce loads of several isolates. `flights()` of the entry `strata/durable` makes one. */
export interface Flights {
  /** Opens the flights for one isolate. `createStrata` calls it. */
  open(parts: SharedParts): OpenFlights;
}

export interface OpenFlights {
  /** Creates the step of a read that joins flights. Its port guards itself with a breaker; `change` changes the port. */
  stepOf(change: (port: FlightPort) => FlightPort): FlightStep;
  /** Time limit for an object to grant a lease. */
  readonly grantTimeoutMs: Millis;
}
