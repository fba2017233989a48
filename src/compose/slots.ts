/** Builds the slots: those of loads and writes, and those of the proxy. */
import type { Config } from "../config.ts";
import type { Bindings } from "../config/bindings.ts";
import type { Random } from "../core/random.ts";
import type { Clock } from "../core/time.ts";
import { createAskForGrant } from "../durable/slot-grants-port.ts";
import { slotGrantsStub } from "../durable/stubs.ts";
import { createProxyLimits, type ProxyLimits } from "../http/proxy/proxy-limits.ts";
import { createSlotLimit } from "../resilience/adaptive-limit.ts";
import type { BreakerTable } from "../resilience/breaker-table.ts";
import { createBulkhead, type Bulkhead, type BulkheadOptions } from "../resilience/bulkhead.ts";
import { withTimeout } from "../resilience/deadline.ts";
import { createSlotCap } from "../resilience/slot-cap.ts";
import type { Platform as Ids } from "../platform.ts";

interface Platform extends Pick<BulkheadOptions, "onShed"> {
  readonly now: Clock;
  readonly random: Random;
}

/** Time limit of one question for a grant. No load waits for it while the isolate has free slots. */
const GRANT_TIMEOUT_MS = 1_000;

/**
 * Creates the slots of loads and writes. How many are in use follows how the origin answers, and what the
 * cap over all isolates leaves to this one.
 */
export function composeOriginSlots(
  { SLOTS }: Bindings,
  { namespace, settings: { origin } }: Config,
  { newId, ...platform }: Platform & Pick<Ids, "newId"> & Pick<BulkheadOptions, "isOriginAway">,
): Bulkhead {
  const { slots, slotWaitMs, totalSlots, freeSlots } = origin;
  const limit = createSlotLimit(slots);
  const cap =
    SLOTS === undefined || totalSlots === 0
      ? undefined
      : createSlotCap({
          ask: createAskForGrant({
            stub: () => slotGrantsStub(SLOTS, `${namespace}-slots`),
            timeoutMs: GRANT_TIMEOUT_MS,
            withTimeout,
          }),
          isolate: newId(),
          freeSlots: Math.min(freeSlots, slots),
          slots,
          total: totalSlots,
          now: platform.now,
          onGrant: () => bulkhead.onGrant(),
        });
  const bulkhead = createBulkhead({
    slots,
    limit,
    slotWaitMs,
    withTimeout,
    ...(cap && { grantedSlots: cap.usable }),
    ...platform,
  });
  return bulkhead;
}

/**
 * Creates the limits of the proxy. It has slots of its own, so that an origin that hangs does not stop
 * the reads of the database. Their number is fixed: a client that asks for a slow resource of an origin
 * must not lower the limit for the others.
 */
export function composeProxyLimits(
  { settings: { proxy, breaker } }: Config,
  breakers: BreakerTable,
  platform: Platform,
): ProxyLimits {
  const { slots, slotWaitMs, maxBytesInFlight } = proxy;
  const slotsPerClient = Math.ceil(slots / 2);
  return createProxyLimits({
    createSlots: () =>
      createBulkhead({ slots, slotsPerClient, slotWaitMs, withTimeout, ...platform }),
    breakers,
    breakerWindowMs: breaker.windowMs,
    now: platform.now,
    slotWaitMs,
    maxBytesInFlight,
  });
}
