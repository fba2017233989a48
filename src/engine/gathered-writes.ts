import type { Context } from "../core/context.ts";
import type { Entry } from "../core/entry.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Gather } from "./gather.ts";

/** Writes the entries of all reads of a batch with one request, which no read waits for. */
export function gatherWrites(store: SharedStore, gather: Gather): SharedStore["write"] {
  interface Write {
    readonly entries: readonly Entry[];
    readonly ctx: Context;
  }
  const write = gather.background(async (writes: readonly [Write, ...Write[]]) => {
    const entries = writes.flatMap((one) => one.entries);
    const written = await store.write(entries, writes[0].ctx);
    return writes.map(() => written);
  });
  return (entries, ctx) => write({ entries, ctx });
}
