/** The rules of an erasure: which entries it removes, how it continues, and what its answer says. */
import type { Dated } from "./entry.ts";
import { DefinitionError, type Fault } from "./faults.ts";
import { fnv1a } from "./hash.ts";
import { ERASED, type InvalidationKey } from "./invalidation-key.ts";
import type { LogAnswer } from "./log.ts";
import type { LogView } from "./log-view.ts";
import { MAX_LIFETIME_MS } from "./policy.ts";
import type { Era, Seq } from "./seq.ts";
import type { EpochMs, Millis } from "./time.ts";

/** The answer to an erasure. Instants are milliseconds since the epoch. */
export interface Erasure {
  /**
   * Whether the memory of this isolate and the shared store hold no copy any more. If not, call `purge`
   * again with the same targets and `cursor`, at `resumeAt` or later.
   */
  readonly done: boolean;
  /** Undefined if the erasure is done, or if the log has no number for it yet. */
  readonly cursor?: string;
  /** The earliest instant of the next call. Undefined if the erasure is done. */
  readonly resumeAt?: EpochMs;
  /** The memory of isolates. */
  readonly memory: {
    /** The number of copies that left the memory of this isolate. */
    readonly removed: number;
    /** Every other isolate drops its copies at its next sync. */
    readonly elsewhere: "next-sync";
  };
  /** The Cache API. */
  readonly edge: {
    /** The number of keys that the Cache API of this data centre was told to delete. */
    readonly removed: number;
    /** A copy in another data centre, under another host name of the Worker, or under a key that no other tier knew, ends at this instant at the latest. */
    readonly elsewhereUntil: EpochMs;
    /** Why a delete failed. Later calls do not repeat it. */
    readonly fault?: Fault["code"];
  };
  /** The shared store. */
  readonly shared: {
    /** The number of copies that left the shared store. */
    readonly removed: number;
    /** `none`: the store cannot erase entries. */
    readonly state: "done" | "partial" | "none";
    /** Why a part failed. The next call repeats it. */
    readonly fault?: Fault["code"];
  };
}

/** The number of keys that a part of an erasure looks at, near enough. */
export const MAX_PAGE = 500;
/** After a page that took less than this, a quarter of the default time limit of Redis, the next one may be larger. */
const QUICK_MS: Millis = 250;

/** Number, era, instant, pass, size of a smaller page, hash of the names, and the cursor of the store. */
const CURSOR =
  /^(\d{1,16})~([\w-]{0,64})~(\d{1,16})~([12])(?:\.([1-9]\d{0,2}))?~(\d{1,10})~(.{0,600})$/;

/** The entries that an erasure removes: those with one of these names that were loaded before its number. */
export interface ErasureScope {
  readonly names: readonly InvalidationKey[];
  readonly seq: Seq;
  readonly era: Era;
}

/** One part of an erasure in the shared store. */
export interface ErasedPage {
  /** The keys of the removed entries. */
  readonly keys: readonly string[];
  /** The number of entries that the store has looked at. */
  readonly examined: number;
  /** The number of requests that the part has sent. */
  readonly requests: number;
  /** Where the next part begins. Undefined after the last part. */
  readonly cursor?: string;
}

/** How far an erasure has come. */
export interface ErasureProgress extends Omit<ErasureScope, "names"> {
  /** The instant of the invalidation. */
  readonly at: EpochMs;
  /** Whether this is the pass through the shared store that ends the erasure. */
  readonly isLast: boolean;
  /** Where the pass continues. Empty: at the beginning of the store. */
  readonly store: string;
  /** The number of keys that the next part looks at: fewer after a part that took longer than its time limit. */
  readonly pageSize: number;
}

/** An erasure reads this many entries of Redis with one command, so that its script holds few of them at a time. */
export const ERASE_READS = 16;

/** The copies that one call has removed. */
export interface Removed {
  inMemory: number;
  inEdge: number;
  inStore: number;
  edgeFault?: Fault["code"];
  storeFault: Fault["code"] | undefined;
}

/**
 * A load that began before the invalidation may store its result after it. The last pass through the
 * store therefore begins this long after the invalidation.
 */
const SETTLE_MS: Millis = 60_000;

/**
 * Whether an erasure removes an entry: it has one of the names, and was loaded before the erasure or in another
 * era. Without a number (0) it removes every entry with one of the names.
 */
export function isErased(
  { invalidationKeys, asOf, era }: Dated,
  names: ReadonlySet<string>,
  upTo: Pick<ErasureScope, "seq" | "era">,
): boolean {
  const isEarlier = upTo.seq === 0 || era !== upTo.era || asOf < upTo.seq;
  return isEarlier && invalidationKeys.some((name) => names.has(name));
}

/**
 * Returns the test for the entries that memory must drop after an answer of the log. Undefined if it
 * drops none. `before` is the view before the answer.
 */
export function droppedBy(
  view: LogView,
  before: Pick<LogView, "seen" | "era">,
  { changes, truncated, floor }: LogAnswer,
): ((entry: Dated) => boolean) | undefined {
  const { base, era = "" } = view;
  const isFirst = before.era === undefined;
  if (!isFirst && before.era !== era) return (entry) => entry.era !== era;
  const numbers = new Map<string, Seq>();
  for (const [logKey, seq] of changes)
    if (logKey.startsWith(ERASED) && (isFirst || seq > before.seen))
      numbers.set(logKey.slice(ERASED.length), seq);
  // The answer left changes out, and an erasure may be among them.
  const hasGap = !isFirst && (truncated || floor > before.seen);
  if (numbers.size === 0 && !hasGap) return undefined;
  return (entry) =>
    (hasGap && entry.asOf < base) ||
    entry.invalidationKeys.some((name) => {
      const seq = numbers.get(name) ?? 0;
      return seq > entry.asOf || (seq > 0 && entry.era !== era);
    });
}

/** Whether a pass through the store may run now. */
export function mayBegin({ isLast, at }: ErasureProgress, now: EpochMs): boolean {
  return !isLast || now >= at + SETTLE_MS;
}

/**
 * Returns the progress after a part that failed. A page that took longer than its time limit is halved, so that
 * a page ends at last, however slow the store is. Undefined: the part must wait for the next call.
 */
export function afterFault(
  progress: ErasureProgress,
  { code }: Pick<Fault, "code">,
): ErasureProgress | undefined {
  const { pageSize } = progress;
  if (!code.endsWith(".timeout") || pageSize <= 1) return undefined;
  return { ...progress, pageSize: Math.floor(pageSize / 2) };
}

/** Returns the size of the page after one that was answered: at most `most`. */
export function nextPageSize(pageSize: number, tookMs: Millis, most: number): number {
  return tookMs < QUICK_MS ? Math.min(most, pageSize * 2) : pageSize;
}

/** Returns the answer to one call. `next` is where the next call continues; undefined after the last one. */
export function answerOf(
  names: readonly InvalidationKey[],
  at: EpochMs,
  { inMemory, inEdge, inStore, edgeFault, storeFault }: Removed,
  next: ErasureProgress | undefined,
  hasStore: boolean,
): Erasure {
  return {
    done: next === undefined,
    ...(next && {
      cursor: cursorOf(names, next),
      resumeAt: next.isLast ? at + SETTLE_MS : at,
    }),
    memory: { removed: inMemory, elsewhere: "next-sync" },
    edge: {
      removed: inEdge,
      elsewhereUntil: at + SETTLE_MS + MAX_LIFETIME_MS,
      ...(edgeFault && { fault: edgeFault }),
    },
    shared: {
      removed: inStore,
      state: next ? "partial" : hasStore ? "done" : "none",
      ...(storeFault && { fault: storeFault }),
    },
  };
}

function cursorOf(
  names: readonly InvalidationKey[],
  { seq, era, at, isLast, store, pageSize }: ErasureProgress,
): string {
  const size = pageSize < MAX_PAGE ? `.${pageSize}` : "";
  return [seq, era, at, `${isLast ? 2 : 1}${size}`, hashOf(names), store].join("~");
}

/** Reads a cursor. @throws {DefinitionError} if it is none of an erasure of these names */
export function progressOf(names: readonly InvalidationKey[], cursor: string): ErasureProgress {
  const [, seq, era = "", at, pass, size = MAX_PAGE, hash, store = ""] = CURSOR.exec(cursor) ?? [];
  if (hash !== String(hashOf(names)))
    throw new DefinitionError("cursor", "must be the cursor of an erasure of the same targets");
  const pageSize = Math.min(MAX_PAGE, Number(size));
  return { seq: Number(seq), era, at: Number(at), isLast: pass === "2", store, pageSize };
}

function hashOf(names: readonly InvalidationKey[]): number {
  return fnv1a(names.toSorted().join("\t"));
}
