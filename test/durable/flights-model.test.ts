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
  /** When the leader landed, if it did so before the end of the lease. */
  landedAt?: number;
  landing?: FlightResult;
}

/** The leases granted so far, in the order of their beginning. */
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

function check(harness: FlightHarness, joins: readonly Joined[], leases: readonly Lease[]): void {
  const now = harness.now();
  for (const key of ["k:0", "k:1"]) {
    const own = leases.filter((lease) => lease.key === key).toSorted((a, b) => a.from - b.from);
    // One lease at a time: each begins after the one before it has landed or expired.
    for (const [i, lease] of own.entries())
      if (i > 0) expect(endOf(own[i - 1]!)).toBeLessThanOrEqual(lease.from);
    // Readers wait only while a lease is alive.
    const alive = own.some((lease) => lease.landedAt === undefined && now < lease.until);
    if (alive) continue;
    const waiting = joins.filter(({ answer, request }) => request.key === key && !answer);
    expect(waiting).toEqual([]);
  }
  for (const { answer, answeredAt, request, joinedAt } of joins) {
    // No reader waits longer than waitMs.
    if (answer === undefined) expect(joinedAt + request.waitMs).toBeGreaterThan(now);
    if (answer?.role === "late") expect(answeredAt).toBe(joinedAt + request.waitMs);
    if (answer?.role !== "follower") continue;
    const lease = leases.find(({ flight }) => flight === answer.flight);
    // A follower gets what the leader of its flight landed while its lease was alive.
    expect(lease?.key).toBe(request.key);
    expect(answer.landing).toEqual(lease?.landing);
    expect(answer.beganAgoMs).toBe(joinedAt - (lease?.from ?? 0));
    expect(answer.flight).not.toBe(request.after);
  }
}

async function run(steps: readonly Step[]): Promise<{ harness: FlightHarness; joins: Joined[] }> {
  const harness = createFlightHarness(25);
  const joins: Joined[] = [];
  const known = new Map<string, Lease>();
  for (const next of steps) {
    const leases = leasesOf(joins, known);
    if (next.do === "join") {
      const after = leases[next.after]?.flight;
      const { waitMs, leaseMs } = next;
      joins.push(
        await harness.join({ key: `k:${next.key}`, waitMs, leaseMs, ...(after && { after }) }),
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
      if (lease.landedAt === undefined && harness.now() < lease.until)
        Object.assign(lease, { landedAt: harness.now(), landing });
      await harness.land(lease.lease, landing, lease.key);
    } else {
      // Millisecond by millisecond, so that every grant is seen at its own instant.
      for (let ms = 0; ms < next.ms; ms++) {
        await harness.advance(1);
        check(harness, joins, leasesOf(joins, known));
      }
    }
    check(harness, joins, leasesOf(joins, known));
  }
  return { harness, joins };
}

describe("flights under random joins and landings", () => {
  it("shared loads have one lease for a key, answer every reader in time, and give followers only results of leases that are still valid", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const { harness, joins } = await run(steps);
        // At the end no flight, no timer and no waiting reader is left.
        for (let i = 0; i < 40 && harness.timers() > 0; i++) await harness.advance(60);
        expect(harness.flights.size).toBe(0);
        expect(harness.timers()).toBe(0);
        expect(joins.filter(({ answer }) => answer === undefined)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
