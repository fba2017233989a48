/**
 * The flights of one shard: who loads which key, and who waits for it. At most
 * one load a key is running and one is queued. Pure but for its clock and its
 * timer, so that tests drive it without a Durable Object.
 */
import type { JoinAnswer, JoinRequest, FlightResult } from "../core/flight-port.ts";
import type { NewId } from "../core/random.ts";
import type { Clock, EpochMs, Millis } from "../core/time.ts";

export interface FlightsOptions {
  readonly now: Clock;
  readonly newId: NewId;
  /** Calls back after a while; returns how to prevent it. */
  readonly after: (ms: Millis, call: () => void) => () => void;
  /** How long a result that has landed is given to those who come late. */
  readonly lingerMs: Millis;
}

export interface Flights {
  /**
   * Answers within the time that the request waits. `onWait` is called at once if the answer
   * is that of a load which others run.
   */
  join(request: JoinRequest, onWait?: () => void): Promise<JoinAnswer>;
  land(request: { key: string; lease: string; landing: FlightResult }): void;
  /** Keys with a flight running or lingering. */
  readonly size: number;
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
  waiters: Waiter[];
  /** Those whom this flight's result would not satisfy. */
  queued: Waiter[];
  landing: FlightResult | undefined;
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
    if (flight === undefined) begin(waiter, []);
    else if (flight.landing !== undefined) {
      if (request.after === flight.id || flight.landing.kind !== "entry") begin(waiter, []);
      else answer(waiter, flight, flight.landing);
    } else {
      const cancel = after(request.waitMs, () => resolve({ role: "late" }));
      const answered = (given: JoinAnswer): void => {
        cancel();
        resolve(given);
      };
      const queue = request.after === flight.id ? flight.queued : flight.waiters;
      queue.push({ ...waiter, answer: answered });
      onWait?.();
    }
    return promise;
  }

  function begin(leader: Waiter, waiters: Waiter[]): void {
    const { key } = leader.request;
    flights.get(key)?.cancelTimer();
    const flight: Flight = {
      id: newId(),
      beganAt: now(),
      lease: "",
      waiters,
      queued: [],
      landing: undefined,
      cancelTimer: () => undefined,
    };
    flights.set(key, flight);
    grant(flight, leader);
  }

  function grant(flight: Flight, leader: Waiter): void {
    flight.lease = newId();
    flight.cancelTimer = after(leader.request.leaseMs, () => takeOver(leader.request.key, flight));
    leader.answer({ role: "leader", flight: flight.id, lease: flight.lease });
  }

  /** The leader died or overran: the next who still waits leads a flight of its own. */
  function takeOver(key: string, flight: Flight): void {
    if (flights.get(key) !== flight) return;
    flights.delete(key);
    beginWith([...flight.waiters, ...flight.queued]);
  }

  function beginWith(waiters: readonly Waiter[]): void {
    const [leader, ...others] = waiters.filter((waiter) => waiter.until > now());
    if (leader !== undefined) begin(leader, others);
  }

  function land({
    key,
    lease,
    landing,
  }: {
    key: string;
    lease: string;
    landing: FlightResult;
  }): void {
    const flight = flights.get(key);
    // A leader that lost its lease has nothing to say any more.
    if (flight === undefined || flight.lease !== lease || flight.landing !== undefined) return;
    flight.cancelTimer();
    flight.landing = landing;
    for (const waiter of flight.waiters) answer(waiter, flight, landing);
    flight.waiters = [];
    const { queued } = flight;
    flight.queued = [];
    if (queued.length > 0) {
      flights.delete(key);
      beginWith(queued);
    } else {
      flight.cancelTimer = after(lingerMs, () => {
        if (flights.get(key) === flight) flights.delete(key);
      });
    }
  }

  function answer(waiter: Waiter, flight: Flight, landing: FlightResult): void {
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
