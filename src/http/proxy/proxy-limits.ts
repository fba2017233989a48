/** The limits that all proxied requests of one isolate share. */
import type { Slots } from "../../core/origin-slots.ts";
import type { Millis } from "../../core/time.ts";
import { createByteBudget, type ByteBudget } from "./byte-budget.ts";

export interface ProxyLimits {
  /**
   * Returns the slots of an origin. A request holds a slot until the origin has sent the header
   * section of its response. Each origin has its own, so that one that hangs does not stop another.
   */
  slotsOf(origin: string): Slots;
  /** The longest time that a request waits for a slot. */
  readonly slotWaitMs: Millis;
  /** Bounds the bytes of the bodies that the isolate collects or has not delivered yet. */
  readonly bodiesInFlight: ByteBudget;
}

export interface ProxyLimitsOptions {
  readonly createSlots: () => Slots;
  readonly slotWaitMs: Millis;
  readonly maxBytesInFlight: number;
}

export function createProxyLimits(options: ProxyLimitsOptions): ProxyLimits {
  const { createSlots, slotWaitMs, maxBytesInFlight } = options;
  // The program names the origins, so that the map stays small.
  const slots = new Map<string, Slots>();
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
