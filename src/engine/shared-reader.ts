/** The reads of the shared store, as the steps of a lookup use them. */
import type { Entry } from "../core/entry.ts";
import type { SharedStore } from "../core/shared-store.ts";
import type { Coherence } from "./coherence.ts";
import type { Read } from "./lookup-request.ts";
import type { Served } from "./validation.ts";

/** The content of the store under a key: an entry that is valid at this moment, or an invalidated entry. */
export interface Found {
  readonly served?: Served;
  readonly invalidatedEntry?: Entry;
}

/** One read of the shared store. */
export type SharedRead = Pick<Read, "key" | "policy" | "startedAt" | "ctx">;

export interface SharedReader {
  /**
   * Returns the content of the store under the keys of the reads, in their order, with one request. Each
   * entry is validated for its own read.
   */
  read(reads: readonly [SharedRead, ...SharedRead[]]): Promise<readonly Found[] | "unreachable">;
}

/** Creates the reads: `createEntryReader`, or `createLogReader` for a store that holds no entries. */
export type CreateSharedReader = (store: SharedStore, coherence: Coherence) => SharedReader;

/** Returns the content of the store under the key of a request. */
export type ReadShared = (read: SharedRead) => Promise<Found | "unreachable">;

export const NOTHING: Found = {};
