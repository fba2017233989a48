/** Bulkheads for tests, and what tests do with them. */
import type { ReleaseSlot, SlotRequest } from "../../src/core/origin-slots.ts";
import {
  createBulkhead as create,
  type Bulkhead,
  type BulkheadOptions,
} from "../../src/resilience/bulkhead.ts";
import { withTimeout } from "../../src/resilience/deadline.ts";

export const LONG = 10_000;
export const now = () => Date.now();

export const createBulkhead = (
  options: Pick<BulkheadOptions, "slots"> & Partial<BulkheadOptions>,
) => create({ random: () => 0, now, withTimeout, slotWaitMs: LONG, ...options });

export function requestOf(waitMs: number, holdMs = LONG, client?: string): SlotRequest {
  return { priority: "read", waitMs, holdMs, client };
}

export async function acquire(bulkhead: Bulkhead, waitMs = LONG): Promise<ReleaseSlot> {
  const acquired = await bulkhead.acquire(requestOf(waitMs));
  if (!acquired.ok) throw new Error(acquired.fault.code);
  return acquired.value;
}

/** Counts the free slots by taking all of them. */
export async function freeSlotsOf(bulkhead: Bulkhead): Promise<number> {
  let count = 0;
  while ((await bulkhead.acquire(requestOf(0))).ok) count++;
  return count;
}
