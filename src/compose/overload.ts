import type { CreateSlots } from "../core/origin-slots.ts";
import { createSlotLimit } from "../resilience/adaptive-limit.ts";
import { createBulkhead } from "../resilience/bulkhead.ts";

/**
 * Gives the loads of one isolate their slots, for the option `origin.overload`. The slots in use fall to an
 * eighth while the origin is slow or fails. A load that would wait in vain is refused at once, and an
 * overloaded queue serves the newest load first.
 *
 * @example
 * const strata = createStrata({ namespace: "shop", origin: { slots: 32, overload } });
 */
export const overload: CreateSlots = (options) =>
  createBulkhead({ ...options, limit: createSlotLimit(options.slots) });
