/** Erases entries of an application with a database: the outbox holds the invalidation, as with every purge. */
import type { Context } from "../core/context.ts";
import { progressOf, type Erasure } from "../core/erasure.ts";
import { namesOfPurge, type EraseTargets } from "../core/invalidation-key.ts";
import type { Erase } from "../engine/erase.ts";
import type { InvalidationState, Writer } from "./writer.ts";

/** The answer to an erasure, and whether the log has its invalidation. */
export interface EraseAnswer {
  /** Whether the log has the invalidation (`done`), or the relay delivers it (`deferred`). */
  readonly invalidation: InvalidationState;
  /** Whether all copies are removed, how many were, and the cursor of a further call. */
  readonly erasure: Erasure;
}

/**
 * Invalidates entries and removes their bytes from every tier that this isolate reaches. With its cursor it
 * continues an erasure, and invalidates nothing again. A cursor of other targets begins a new erasure.
 *
 * @throws {DefinitionError} if a target is invalid
 * @throws {CacheUnavailable} if neither the log nor the outbox accepted the invalidation
 */
export type EraseEntries = (targets: EraseTargets, ctx: Context) => Promise<EraseAnswer>;

export interface EraseEntriesOptions {
  readonly writer: Pick<Writer, "purge">;
  readonly erase: Erase;
}

/** Removes every entry with one of the names, also those that were loaded later, which costs loads. */
const WITHOUT_NUMBER = { seq: 0, era: "" } as const;

export function createEraseEntries({ writer, erase }: EraseEntriesOptions): EraseEntries {
  return async (targets, ctx) => {
    const names = namesOfPurge(targets);
    const { cursor } = targets;
    if (cursor !== undefined && isCursorOf(names, cursor))
      return { invalidation: "done", erasure: await erase(names, cursor, ctx) };
    const invalidation = await writer.purge(targets, ctx);
    // An outbox may hold the invalidation, and a relay may repeat it: then its number is not known yet.
    const erasure = await erase(names, WITHOUT_NUMBER, ctx);
    return { invalidation, erasure };
  };
}

function isCursorOf(names: Parameters<Erase>[0], cursor: string): boolean {
  try {
    progressOf(names, cursor);
    return true;
  } catch {
    return false;
  }
}
