/** Notes what happens to keys that no tier answers, for `why`. A memory hit notes nothing. */
import type { EventOf } from "../core/events.ts";
import type { Invalidation, KeyNote, KeyNotes, Refusals } from "../core/key-notes.ts";
import type { Dated } from "../core/entry.ts";
import type { Clock } from "../core/time.ts";

/** The isolate remembers this many keys, those that it noted last. */
const MAX_KEYS = 512;
const MAX_NOTES = 8;
const MAX_PATHS = 256;
const MAX_PATH_LENGTH = 512;

/** The events that are noted. */
export type NotedEvent = EventOf<"lookup.end" | "load.end" | "entry.reject" | "store.skip">;

export interface KeyNoteRecorder extends KeyNotes {
  note(event: NotedEvent): void;
  /** Notes that a rate limit has refused a request. */
  refuse(url: string): void;
}

export interface KeyNoteOptions {
  readonly now: Clock;
  /** Finds the invalidation that made an entry invalid. */
  readonly invalidationOf: (entry: Dated) => Invalidation | undefined;
}

/** Creates the notes of one isolate, in bounded memory. */
export function createKeyNotes(options: KeyNoteOptions): KeyNoteRecorder {
  const { now, invalidationOf } = options;
  /** In the order of their last note, the oldest first. */
  const notes = new Map<string, readonly KeyNote[]>();
  const refusals = new Map<string, Refusals>();

  function add(key: string, note: KeyNote): void {
    const former = notes.get(key) ?? [];
    setLast(notes, key, [...former, note].slice(-MAX_NOTES), MAX_KEYS);
  }

  function onLoad(event: EventOf<"load.end">): void {
    const { key, policy, outcome, why = "other", part } = event;
    const at = now();
    if (outcome === "failed")
      add(key, { at, type: "failed", fault: event.fault ?? "origin.unavailable", policy });
    else if (outcome === "uncacheable") add(key, { at, type: "unstored", why, part, policy });
    else {
      const { freshUntil = at, negative = false } = event;
      add(key, { at, type: "stored", freshUntil, negative, policy });
    }
  }

  return {
    of: (key) => notes.get(key) ?? [],
    refusalsOf: (path) => refusals.get(path.slice(0, MAX_PATH_LENGTH)),

    refuse(url) {
      const path = pathOf(url);
      const count = (refusals.get(path)?.count ?? 0) + 1;
      setLast(refusals, path, { count, at: now() }, MAX_PATHS);
    },

    note(event) {
      switch (event.type) {
        case "lookup.end": {
          const { key, status } = event;
          if (
            status === "miss" ||
            status === "joined" ||
            status === "bypass" ||
            status === "stale-on-error"
          )
            add(key, { at: now(), type: "answered", status });
          break;
        }
        case "load.end":
          onLoad(event);
          break;
        case "entry.reject": {
          const { key, tier, reason, entry } = event;
          const by = entry && invalidationOf(entry);
          add(key, { at: now(), type: "rejected", tier, reason, by });
          break;
        }
        case "store.skip":
          add(event.key, { at: now(), type: "unshared", reason: event.reason });
          break;
      }
    },
  };
}

/** Sets a value as the last one. The first one leaves a map that is full. */
function setLast<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.keys();
  if (map.size > max && first !== undefined) map.delete(first);
}

/** Returns the path and the query of a URL. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return url.slice(start, start + MAX_PATH_LENGTH);
}
