/** The steps of an erasure: memory of this isolate, shared store and edge, then the answer. */
import type { Context } from "../core/context.ts";
import {
  afterFault,
  answerOf,
  droppedBy,
  isErased,
  MAX_PAGE,
  mayBegin,
  nextPageSize,
  progressOf,
  type Erasure,
  type ErasureProgress,
  type Removed,
} from "../core/erasure.ts";
import type { InvalidationKey } from "../core/invalidation-key.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { MemoryTier, Tier } from "../core/tier.ts";
import type { Millis } from "../core/time.ts";
import type { DropErased } from "./report-answer.ts";

/**
 * Removes the bytes of the entries with these names, which the log has invalidated with a number. With a cursor
 * it continues.
 *
 * @throws {DefinitionError} if the cursor belongs to other names
 */
export type Erase = (
  names: readonly InvalidationKey[],
  from: ErasedNumber | string,
  ctx: Context,
) => Promise<Erasure>;

/** The number of an invalidation. Number 0 also removes entries that were loaded later, which costs loads. */
export type ErasedNumber = Pick<ErasureProgress, "seq" | "era">;

export interface EraseOptions {
  readonly memory: MemoryTier;
  readonly edge: Tier;
  readonly store: SharedStore;
}

/** An invocation has 1,000 subrequests. A call of `erase` begins no further part after this many. */
const MAX_REQUESTS = 400;
const MAX_MS: Millis = 8_000;
/** A part that failed may have sent this many. */
const REQUESTS_OF_PART = 6;
/** The keys of memory and of the targets that one call deletes at the edge. */
const MAX_KNOWN_KEYS = 300;
/** The number of keys that the Cache API deletes under one time limit. */
const KEYS_AT_ONCE = 32;

/** Returns the function that drops from memory what an answer of the log has erased. */
export function createDrop({ removeWhere }: Pick<MemoryTier, "removeWhere">): DropErased {
  return (view, before, answer) => {
    const isDropped = droppedBy(view, before, answer);
    if (isDropped !== undefined) removeWhere(isDropped);
  };
}

export function createErase({ memory, edge, store }: EraseOptions): Erase {
  /** Adds to `removed` what it removes. Returns where the next call continues. */
  async function eraseInStore(
    names: readonly InvalidationKey[],
    progress: ErasureProgress,
    removed: Removed,
    deleteInEdge: (keys: readonly string[]) => Promise<void>,
    ctx: Context,
  ): Promise<ErasureProgress | undefined> {
    const { seq, era, isLast } = progress;
    const startedAt = ctx.now();
    let next = progress;
    // After a page that took too long, only the next call tries a larger one again.
    let mostKeys = MAX_PAGE;
    for (
      let requests = removed.inEdge;
      requests < MAX_REQUESTS && ctx.now() - startedAt < MAX_MS;
    ) {
      const sentAt = ctx.now();
      const part = await store.erase?.({ names, seq, era }, next.store, next.pageSize, ctx);
      if (part === undefined) return undefined;
      removed.storeFault = part.ok ? undefined : part.fault.code;
      if (!part.ok) {
        requests += REQUESTS_OF_PART;
        const smaller = afterFault(next, part.fault);
        if (smaller === undefined) return next;
        next = smaller;
        mostKeys = smaller.pageSize;
        continue;
      }
      const pageSize = nextPageSize(next.pageSize, ctx.now() - sentAt, mostKeys);
      const { keys, cursor } = part.value;
      removed.inStore += keys.length;
      await deleteInEdge(keys);
      requests += part.value.requests + keys.length;
      if (cursor === undefined)
        return isLast ? undefined : { ...next, isLast: true, store: "", pageSize };
      next = { ...next, store: cursor, pageSize };
    }
    return next;
  }

  return async (names, from, ctx) => {
    const progress =
      typeof from === "string"
        ? progressOf(names, from)
        : {
            seq: from.seq,
            era: from.era,
            at: ctx.now(),
            isLast: false,
            store: "",
            pageSize: MAX_PAGE,
          };
    const removed: Removed = { inMemory: 0, inEdge: 0, inStore: 0, storeFault: undefined };

    async function deleteInEdge(keys: readonly string[]): Promise<void> {
      for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
        const result = await edge.delete(keys.slice(from, from + KEYS_AT_ONCE), ctx);
        if (!result.ok) removed.edgeFault = result.fault.code;
      }
      removed.inEdge += keys.length;
    }

    const set = new Set<string>(names);
    const known = memory.removeWhere((entry) => isErased(entry, set, progress));
    removed.inMemory = known.length;
    const named = names.flatMap((name) => (name.startsWith("k:") ? [name.slice(2)] : []));
    // The store names most keys of memory again. The others end at the edge with their lifetime.
    await deleteInEdge([...new Set([...named, ...known])].slice(0, MAX_KNOWN_KEYS));

    const next = mayBegin(progress, ctx.now())
      ? await eraseInStore(names, progress, removed, deleteInEdge, ctx)
      : progress;
    return answerOf(names, progress.at, removed, next, store.erase !== undefined);
  };
}
