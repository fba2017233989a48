/** The limits that all proxied requests of one isolate share. */
import type { Slots } from "../../core/origin-slots.ts";
import type { Millis } from "../../core/time.ts";
import type { Breaker } from "../../core/breaker.ts";
import type { Clock } from "../../core/time.ts";
import { createBoundedMap } from "../../core/bounded-map.ts";
import { createByteBudget, type ByteBudget } from "../../core/byte-budget.ts";
import { createOriginBreaker, type OriginBreaker } from "./origin-breaker.ts";

export interface ProxyLimits {
  /**
   * Returns the slots of an origin. A request holds a slot until the origin has sent the header
   * section of its response. Each origin has its own, so that one that hangs does not stop another.
   */
  slotsOf(origin: string): Slots;
  /** Returns the breaker of an origin. `callTimeoutMs`: the time limit of one request to the origin. */
  breakerOf(origin: string, callTimeoutMs: Millis): OriginBreaker;
  /** The longest time that a request waits for a slot. */
  readonly slotWaitMs: Millis;
  /** Bounds the bytes of the bodies that the isolate collects or has not delivered yet. */
  readonly bodiesInFlight: ByteBudget;
}

export interface ProxyLimitsOptions {
  readonly createSlots: () => Slots;
  readonly breakers: { of(server: string, callTimeoutMs: Millis): Breaker };
  /** A client counts with one failure in this time. */
  readonly breakerWindowMs: Millis;
  readonly now: Clock;
  readonly slotWaitMs: Millis;
  readonly maxBytesInFlight: number;
}

/** The origins whose breakers an isolate keeps. */
export const MAX_ORIGINS = 100;

export function createProxyLimits(options: ProxyLimitsOptions): ProxyLimits {
  const { createSlots, slotWaitMs, maxBytesInFlight, breakers, breakerWindowMs, now } = options;
  const originBreakers = createBoundedMap<string, OriginBreaker>(MAX_ORIGINS);
  // The program names the origins, so that the map stays small.
  const slots = new Map<string, Slots>();
  return {
    slotsOf(origin) {
      const known = slots.get(origin) ?? createSlots();
      slots.set(origin, known);
      return known;
    },
    breakerOf(origin, callTimeoutMs) {
      const known = originBreakers.get(origin);
      if (known !== undefined) return known;
      const breaker = breakers.of(origin, callTimeoutMs);
      const created = createOriginBreaker(breaker, now, breakerWindowMs);
      originBreakers.set(origin, created);
      return created;
    },
    slotWaitMs,
    bodiesInFlight: createByteBudget(maxBytesInFlight),
  };
}
