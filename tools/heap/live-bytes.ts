/** Asks an isolate of workerd for its live bytes, over the inspector's protocol. */
import { setTimeout as sleep } from "node:timers/promises";
import { openInspector } from "./inspector.ts";

/** workerd needs this flag of V8 so that code can collect garbage. */
export const GC_FLAG = "--expose-gc";

/** A collection that frees fewer bytes than this frees no more of what the isolate held. */
const SAME_BYTES = 16_384;

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

/** Returns the bytes of V8's heap and of the buffers outside it, after full garbage collections. */
export async function liveBytes(url: string): Promise<number> {
  using inspector = await openInspector(url);
  let least = Number.POSITIVE_INFINITY;
  for (;;) {
    await inspector.evaluate("gc()");
    const usage = await inspector.call<HeapUsage>("Runtime.getHeapUsage");
    const live = usage.usedSize + (usage.backingStorageSize ?? 0);
    if (live > least - SAME_BYTES) return Math.min(live, least);
    least = live;
    // The runtime frees buffers a moment after the collection.
    await sleep(20);
  }
}
