/** The limits that all proxied requests of one isolate share. */
import type { Result } from "../../core/result.ts";
import type { Millis } from "../../core/time.ts";
import { createByteBudget, type ByteBudget } from "./byte-budget.ts";

/** Bounds the requests that wait for one origin, and how many of them are of one client. */
export interface ProxySlots {
  /** Waits for a slot and returns the function that releases it. After `holdMs` it is free in any case. */
  acquire(waitMs: Millis, holdMs: Millis, client: string | undefined): Promise<Result<() => void>>;
}

export interface ProxyLimits {
  /**
   * Returns the slots of an origin. A request holds a slot until the origin has sent the header
   * section of its response. Each origin has its own, so that one that hangs does not stop another.
   */
  slotsOf(origin: string): ProxySlots;
  /** The longest time that a request waits for a slot. */
  readonly slotWaitMs: Millis;
  /** Bounds the bytes of the bodies that the isolate collects or has not delivered yet. */
  readonly bodiesInFlight: ByteBudget;
}

export interface ProxyLimitsOptions {
  readonly createSlots: () => ProxySlots;
  readonly slotWaitMs: Millis;
  readonly maxBytesInFlight: number;
}

export function createProxyLimits(options: ProxyLimitsOptions): ProxyLimits {
  const { createSlots, slotWaitMs, maxBytesInFlight } = options;
  // The program names the origins, so that the map stays small.
  const slots = new Map<string, ProxySlots>();
  return {
    slotsOf(origin) {
      const known = slots.get(origin) ?? createSlots();
      slots.set(origin, known);
      return known;
    },
    slotWaitMs,
    bodiesInFlight: createByteBudget(maxBytesInFlight),
  };
}
