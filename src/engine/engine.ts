/** The engine, as routes, the proxy, readers and writers use it. */
import type { Context } from "../core/context.ts";
import type { Entry, LoadStamp, LogPosition, StorableResult } from "../core/entry.ts";
import type { Lookup } from "../core/lookup.ts";
import type { Policy } from "../core/policy.ts";
import type { LoadTask, Read } from "./lookup-request.ts";
import type { Validator } from "./validator.ts";

export interface Engine {
  /**
   * Returns the lookup without a promise if memory answers.
   *
   * @throws {CacheUnavailable} if no tier has a value and the origin fails.
   */
  lookup(key: string, policy: Policy, task: LoadTask, ctx: Context): Lookup | Promise<Lookup>;
  /** Loads anew unless Redis holds a fresh value. Readers share the load as they do in a lookup. */
  refresh(key: string, policy: Policy, task: LoadTask, ctx: Context): Promise<Lookup>;
  /** How far this isolate knows the log: what a load that begins now may claim. */
  logPosition(): LogPosition;
  /**
   * Returns the newest log position up to which an entry is known to be valid: that of the log view if the
   * view finds it valid, otherwise the entry's own.
   */
  positionOf(entry: Entry): LogPosition;
  /**
   * Stores a result that came with another key's load, or with a write. `stamp` was taken before
   * the origin was read.
   */
  put(key: string, policy: Policy, result: StorableResult, stamp: LoadStamp, ctx: Context): Put;
  /** Begins a read for `decide`, beside a lookup. */
  beginRead(key: string, policy: Policy, ctx: Context): Read;
  /** Validates an entry for a read, also one that is not stored yet. */
  readonly decide: Validator["decide"];
  /** Deletes an entry that its reader cannot use. */
  discard(entry: Entry, ctx: Context): void;
}

export interface Put {
  readonly entry: Entry;
  /** Whether the entry is sent to Redis: see `Lookup.stored`. */
  readonly stored: boolean;
}
