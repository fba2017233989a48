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
  /** A result is kept for this time after it arrives, for lookups that join later. */
  readonly lingerMs: Millis;
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

interface Flight {
  readonly id: string;
  readonly beganAt: EpochMs;
  lease: string;
  /** The lookups that get the result of this flight. */
  followers: Waiter[];
  /** The lookups that could not use the result of this flight and wait for the next flight. */
  queued: Waiter[];
  /** The result of the load. Undefined while the load runs. */
  result: FlightResult | undefined;
  /** Cancels the timer that ends the lease, or that deletes the kept result. */
  cancelTimer: () => void;
}

export function createFlights({ now, newId, after, lingerMs }: FlightsOptions): Flights {
  const flights = new Map<string, Flight>();

  function join(request: JoinRequest, onWait?: () => void): Promise<JoinAnswer> {
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>();
    const joinedAt = now();
    const until = joinedAt + request.waitMs;
    const waiter: Waiter = { request, joinedAt, until, answer: resolve };
    const flight = flights.get(request.key);
    if (flight === undefined) startFlight(waiter, []);
    else if (flight.result !== undefined) {
      // A lookup that joins later gets a result only if it is an entry. After any other result the
      // lookup loads.
      if (request.after === flight.id || flight.result.kind !== "entry") startFlight(waiter, []);
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
    flights.get(key)?.cancelTimer();
    const flight: Flight = {
      id: newId(),
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
    flight.cancelTimer = after(leader.request.leaseMs, () =>
      expireLease(leader.request.key, flight),
    );
    leader.answer({ role: "leader", flight: flight.id, lease: flight.lease });
  }

  /** Ends a lease whose leader gave no result in time. The first lookup that still waits leads a new flight. */
  function expireLease(key: string, flight: Flight): void {
    if (flights.get(key) !== flight) return;
    flights.delete(key);
    startNextFlight([...flight.followers, ...flight.queued]);
  }

  function startNextFlight(waiters: readonly Waiter[]): void {
    const [leader, ...followers] = waiters.filter((waiter) => waiter.until > now());
    if (leader !== undefined) startFlight(leader, followers);
  }

  function land({ key, lease, landing }: Landing): void {
    const flight = flights.get(key);
    if (flight === undefined || flight.lease !== lease || flight.result !== undefined) return;
    flight.cancelTimer();
    flight.result = landing;
    for (const follower of flight.followers) answerFollower(follower, flight, landing);
    flight.followers = [];
    const { queued } = flight;
    flight.queued = [];
    if (queued.length > 0) {
      flights.delete(key);
      startNextFlight(queued);
    } else {
      flight.cancelTimer = after(lingerMs, () => {
        if (flights.get(key) === flight) flights.delete(key);
      });
    }
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
  };
}
