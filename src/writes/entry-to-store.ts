import type { LogKey } from "../core/invalidation-key.ts";
import type { Mutation } from "./mutate.ts";
import { logKeysOfThrough, type Through } from "./through.ts";

/** The entry that a mutation stores beside its rows. */
interface EntryToStore {
  readonly entry?: Through;
  readonly watched: readonly LogKey[];
  /** The error of the mutation's `through`. It is thrown after the invalidation. */
  readonly error?: unknown;
}

/** Returns the entry of a written value, and the log keys that its invalidation watches. */
export function entryToStore<T>({ through }: Mutation<T>, value: T): EntryToStore {
  if (through === undefined) return { watched: [] };
  try {
    const entry = through(value);
    return { entry, watched: logKeysOfThrough(entry) };
  } catch (error) {
    return { watched: [], error };
  }
}
