/** Builds the slots: those of loads and writes, and those of the proxy. */
import type { Settings } from "./config/settings.ts";
import type { Random } from "./core/random.ts";
import type { Clock } from "./core/time.ts";
import { createProxyLimits, type ProxyLimits } from "./http/proxy/proxy-limits.ts";
import { createAdaptiveLimit } from "./resilience/adaptive-limit.ts";
import { createBulkhead, type Bulkhead, type BulkheadOptions } from "./resilience/bulkhead.ts";
import { withTimeout } from "./resilience/deadline.ts";

interface Platform extends Pick<BulkheadOptions, "onShed"> {
  readonly now: Clock;
  readonly random: Random;
}

/** The limit of origin calls does not fall below this share of the slots. */
const MIN_SHARE = 1 / 8;

/** Creates the slots of loads and writes. How many are in use follows how the origin answers. */
export function composeOriginSlots({ origin }: Settings, platform: Platform): Bulkhead {
  const { slots, slotWaitMs } = origin;
  const limit = createAdaptiveLimit({ min: Math.ceil(slots * MIN_SHARE), max: slots });
  return createBulkhead({ slots, limit, slotWaitMs, withTimeout, ...platform });
}

/**
 * Creates the limits of the proxy. It has slots of its own, so that an origin that hangs does not stop
 * the reads of the database. Their number is fixed: a client that asks for a slow resource of an origin
 * must not lower the limit for the others.
 */
export function composeProxyLimits({ proxy }: Settings, platform: Platform): ProxyLimits {
  const { slots, slotWaitMs, maxBytesInFlight } = proxy;
  const slotsPerClient = Math.ceil(slots / 2);
  return createProxyLimits({
    createSlots: () =>
      createBulkhead({ slots, slotsPerClient, slotWaitMs, withTimeout, ...platform }),
    slotWaitMs,
    maxBytesInFlight,
  });
}
