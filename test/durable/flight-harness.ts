/** A table of flights whose clock and timers are moved by the test. */
import type { JoinAnswer, JoinRequest, FlightResult } from "../../src/core/flight-port.ts";
import { createFlights, type Flights } from "../../src/durable/flights.ts";

export interface Joined {
  readonly request: JoinRequest;
  readonly joinedAt: number;
  /** Undefined while the reader waits. */
  answer: JoinAnswer | undefined;
  answeredAt: number;
}

export interface FlightHarness {
  readonly flights: Flights;
  readonly now: () => number;
  join(request?: Partial<JoinRequest>): Promise<Joined>;
  land(lease: string, landing?: FlightResult, key?: string): Promise<void>;
  /** Moves the clock forward; timers that become due fire in their order. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  timers(): number;
}

export const entryLanding = (entry: string): FlightResult => ({ kind: "entry", entry });

export function createFlightHarness(lingerMs = 50, maxKeptBytes = 2_000): FlightHarness {
  let now = 1_000;
  let ids = 0;
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  const flights = createFlights({
    now: () => now,
    newId: () => `id-${++ids}`,
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    lingerMs,
    maxKeptBytes,
  });
  /** Runs the callbacks of promises, so that answers arrive. */
  const runCallbacks = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await Promise.resolve();
  };

  return {
    flights,
    now: () => now,
    timers: () => timers.length,
    async join(request = {}) {
      const full = { key: "k:1", waitMs: 100, leaseMs: 100, ...request };
      const joined: Joined = { request: full, joinedAt: now, answer: undefined, answeredAt: 0 };
      void flights.join(full).then((answer) => {
        joined.answer = answer;
        joined.answeredAt = now;
      });
      await runCallbacks();
      return joined;
    },
    async land(lease, landing = entryLanding("v"), key = "k:1") {
      flights.land({ key, lease, landing });
      await runCallbacks();
    },
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.at;
        next.call();
      }
      now = until;
      await runCallbacks();
    },
  };
}

/** The lease of a leader. @throws if the reader is no leader */
export function leaseOf({ answer }: Joined): string {
  if (answer?.role !== "leader") throw new Error(`not a leader: ${JSON.stringify(answer)}`);
  return answer.lease;
}

/** The flight of a leader or follower; "" of a reader that is late or waits. */
export function flightOf({ answer }: Joined): string {
  return answer === undefined || answer.role === "late" ? "" : answer.flight;
}
