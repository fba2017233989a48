/**
 * The table of flights of one shard. It knows which load of a key runs, under which lease, and
 * which lookups wait for the result. For each key, at most one load runs and at most one waits. The
 * clock and the timer are injected, so that tests need no Durable Object.
 */
import type { JoinAnswer, JoinRequest, FlightResult } from "../core/flight-port.ts";
import type { NewId } from "../core/random.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

export interface FlightsOptions {
  readonly now: Clock;
  readonly newId: NewId;
  /** Calls `call` after `ms` milliseconds. Returns a function that cancels the call. */
  readonly after: (ms: Millis, call: () => void) => () => void;
  /** An entry is kept for this time after it arrives, for lookups that join later. */
  readonly lingerMs: Millis;
  /**
   * The maximum number of bytes of all kept entries and their keys, at two bytes a character. The
   * entries that arrived first are given up first. A lookup that joins after that leads a new flight.
   */
  readonly maxKeptBytes: number;
}

export interface Flights {
  /**
   * Gives the lookup a role. It is the leader at once if no load of the key runs. Otherwise it is a
   * follower when the result arrives, or late after `waitMs`. `onWait` is called at once if the
   * lookup has to wait.
   */
  join(request: JoinRequest, onWait?: () => void): Promise<JoinAnswer>;
  /** Ends a flight with its result. Ignores the result if the lease is not the flight's current one. */
  land(landing: Landing): void;
  /** The number of keys whose flight runs, or whose result is kept for lookups that join later. */
  readonly size: number;
  /** The number of bytes of all kept entries and their keys. */
  readonly keptBytes: number;
}

interface Landing {
  readonly key: string;
  readonly lease: string;
  readonly landing: FlightResult;
}

interface Waiter {
  readonly request: JoinRequest;
  readonly joinedAt: EpochMs;
  readonly until: EpochMs;
  readonly answer: (answer: JoinAnswer) => void;
}

/** A result that is kept for lookups that join later. After any other result they load. */
type Kept = Extract<FlightResult, { readonly kind: "entry" }>;

interface Flight {
  readonly id: string;
  readonly key: string;
  readonly beganAt: EpochMs;
  lease: string;
  /** The lookups that get the result of this flight. */
  followers: Waiter[];
  /** The lookups that could not use the result of this flight and wait for the next flight. */
  queued: Waiter[];
  /** The result of the load. Undefined while the load runs. */
  result: Kept | undefined;
  /** Cancels the timer that ends the lease, or that deletes the kept result. */
  cancelTimer: () => void;
}

export function createFlights(options: FlightsOptions): Flights {
  const { now, newId, after, lingerMs, maxKeptBytes } = options;
  const flights = new Map<string, Flight>();
  /** The flights whose result is kept, in the order in which the results arrived. */
  const kept = new Set<Flight>();
  let keptBytes = 0;

  function join(request: JoinRequest, onWait?: () => void): Promise<JoinAnswer> {
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>();
    const joinedAt = now();
    const until = joinedAt + request.waitMs;
    const waiter: Waiter = { request, joinedAt, until, answer: resolve };
    const flight = flights.get(request.key);
    if (flight === undefined) startFlight(waiter, []);
    else if (flight.result !== undefined) {
      if (request.after === flight.id) startFlight(waiter, []);
      else answerFollower(waiter, flight, flight.result);
    } else {
      const cancel = after(request.waitMs, () => resolve({ role: "late" }));
      const answer = (given: JoinAnswer): void => {
        cancel();
        resolve(given);
      };
      const waiters = request.after === flight.id ? flight.queued : flight.followers;
      waiters.push({ ...waiter, answer });
      onWait?.();
    }
    return promise;
  }

  function startFlight(leader: Waiter, followers: Waiter[]): void {
    const { key } = leader.request;
    const former = flights.get(key);
    if (former !== undefined) remove(former);
    const flight: Flight = {
      id: newId(),
      key,
      beganAt: now(),
      lease: "",
      followers,
      queued: [],
      result: undefined,
      cancelTimer: () => undefined,
    };
    flights.set(key, flight);
    grantLease(flight, leader);
  }

  function grantLease(flight: Flight, leader: Waiter): void {
    flight.lease = newId();
    flight.cancelTimer = after(leader.request.leaseMs, () => expireLease(flight));
    leader.answer({ role: "leader", flight: flight.id, lease: flight.lease });
  }

  /** Ends a lease whose leader gave no result in time. The first lookup that still waits leads a new flight. */
  function expireLease(flight: Flight): void {
    remove(flight);
    startNextFlight([...flight.followers, ...flight.queued]);
  }

  function startNextFlight(waiters: readonly Waiter[]): void {
    const [leader, ...followers] = waiters.filter((waiter) => waiter.until > now());
    if (leader !== undefined) startFlight(leader, followers);
  }

  function land({ key, lease, landing }: Landing): void {
    const flight = flights.get(key);
    if (flight === undefined || flight.lease !== lease || flight.result !== undefined) return;
    const { followers, queued } = flight;
    for (const follower of followers) answerFollower(follower, flight, landing);
    remove(flight);
    if (queued.length > 0) startNextFlight(queued);
    else if (landing.kind === "entry") keep(flight, landing);
  }

  function keep(flight: Flight, result: Kept): void {
    const { key } = flight;
    const bytes = bytesOf(key, result);
    if (bytes > maxKeptBytes) return;
    for (const oldest of kept) {
      if (keptBytes + bytes <= maxKeptBytes) break;
      remove(oldest);
    }
    flight.result = result;
    flight.followers = [];
    flight.cancelTimer = after(lingerMs, () => remove(flight));
    flights.set(key, flight);
    kept.add(flight);
    keptBytes += bytes;
  }

  /** Deletes the flight and what it keeps. */
  function remove(flight: Flight): void {
    const { key, result } = flight;
    flight.cancelTimer();
    flights.delete(key);
    if (result !== undefined && kept.delete(flight)) keptBytes -= bytesOf(key, result);
  }

  function answerFollower(waiter: Waiter, flight: Flight, landing: FlightResult): void {
    const beganAgoMs = waiter.joinedAt - flight.beganAt;
    waiter.answer({ role: "follower", flight: flight.id, beganAgoMs, landing });
  }

  return {
    join,
    land,
    get size() {
      return flights.size;
    },
    get keptBytes() {
      return keptBytes;
    },
  };
}

/** The most memory that a kept entry and its key need: V8 stores a character in one byte or two. */
function bytesOf(key: string, { entry }: Kept): number {
  return 2 * (key.length + entry.length);
}
