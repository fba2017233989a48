import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FlightResult } from "../../src/core/flight-port.ts";
import {
  createFlightHarness,
  entryLanding,
  type Joined,
  type FlightHarness,
} from "./flight-harness.ts";

type Step =
  | { readonly do: "join"; key: number; waitMs: number; leaseMs: number; after: number }
  | { readonly do: "land"; lease: number; kind: number }
  | { readonly do: "pass"; ms: number };

const times = fc.integer({ min: 1, max: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      key: fc.nat({ max: 1 }),
      waitMs: times,
      leaseMs: times,
      after: fc.nat({ max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("land" as const),
      lease: fc.nat({ max: 20 }),
      kind: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat({ max: 40 }) }),
  },
);

interface Lease {
  readonly lease: string;
  readonly flight: string;
  readonly key: string;
  readonly from: number;
  readonly until: number;
  /** When it ended before its time, and with what. */
  landedAt?: number;
  landing?: FlightResult;
}

/** The leases that were granted so far, in the order of their beginning. */
function leasesOf(joins: readonly Joined[], known: Map<string, Lease>): Lease[] {
  for (const { answer, answeredAt, request } of joins) {
    if (answer?.role !== "leader" || known.has(answer.lease)) continue;
    const { lease, flight } = answer;
    const { key, leaseMs } = request;
    known.set(lease, { lease, flight, key, from: answeredAt, until: answeredAt + leaseMs });
  }
  return [...known.values()];
}

const endOf = ({ landedAt, until }: Lease): number => landedAt ?? until;

function check(tower: FlightHarness, joins: readonly Joined[], leases: readonly Lease[]): void {
  const now = tower.now();
  for (const key of ["k:0", "k:1"]) {
    const own = leases.filter((lease) => lease.key === key).toSorted((a, b) => a.from - b.from);
    // One at a time: each begins when the one before has landed or run out.
    for (const [i, lease] of own.entries())
      if (i > 0) expect(endOf(own[i - 1]!)).toBeLessThanOrEqual(lease.from);
    // Nobody waits for nothing.
    const alive = own.some((lease) => lease.landedAt === undefined && now < lease.until);
    if (alive) continue;
    const waiting = joins.filter(({ answer, request }) => request.key === key && !answer);
    expect(waiting).toEqual([]);
  }
  for (const { answer, answeredAt, request, joinedAt } of joins) {
    // Nor longer than they wanted to.
    if (answer === undefined) expect(joinedAt + request.waitMs).toBeGreaterThan(now);
    if (answer?.role === "late") expect(answeredAt).toBe(joinedAt + request.waitMs);
    if (answer?.role !== "follower") continue;
    const flown = leases.find(({ flight }) => flight === answer.flight);
    // It got what the leader of this very flight landed while its lease was good.
    expect(flown?.key).toBe(request.key);
    expect(answer.landing).toEqual(flown?.landing);
    expect(answer.beganAgoMs).toBe(joinedAt - (flown?.from ?? 0));
    expect(answer.flight).not.toBe(request.after);
  }
}

async function run(steps: readonly Step[]): Promise<{ tower: FlightHarness; joins: Joined[] }> {
  const tower = createFlightHarness(25);
  const joins: Joined[] = [];
  const known = new Map<string, Lease>();
  for (const next of steps) {
    const leases = leasesOf(joins, known);
    if (next.do === "join") {
      const after = leases[next.after]?.flight;
      const { waitMs, leaseMs } = next;
      joins.push(
        await tower.join({ key: `k:${next.key}`, waitMs, leaseMs, ...(after && { after }) }),
      );
    } else if (next.do === "land") {
      const lease = leases[next.lease];
      if (lease === undefined) continue;
      const landings: FlightResult[] = [
        entryLanding(`of ${lease.lease}`),
        { kind: "uncacheable" },
        { kind: "failed", fault: { code: "origin.timeout", message: lease.lease } },
      ];
      const landing = landings[next.kind]!;
      if (lease.landedAt === undefined && tower.now() < lease.until)
        Object.assign(lease, { landedAt: tower.now(), landing });
      await tower.land(lease.lease, landing, lease.key);
    } else {
      // Timer by timer, so that every grant is seen at its own instant.
      for (let ms = 0; ms < next.ms; ms++) {
        await tower.advance(1);
        check(tower, joins, leasesOf(joins, known));
      }
    }
    check(tower, joins, leasesOf(joins, known));
  }
  return { tower, joins };
}

describe("flights, whatever their readers do,", () => {
  it("have one lease a key, answer every reader in its time, and hand over only what landed in time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const { tower, joins } = await run(steps);
        // In the end nothing is left: no flight, no timer, no reader without an answer.
        for (let i = 0; i < 40 && tower.timers() > 0; i++) await tower.advance(60);
        expect(tower.flights.size).toBe(0);
        expect(tower.timers()).toBe(0);
        expect(joins.filter(({ answer }) => answer === undefined)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
