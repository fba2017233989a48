import type { CacheEvent } from "./events.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { EpochMs } from "./time.ts";

/**
 * Sees every request from its first step to its answer: telemetry, if there is any. What it
 * notes of a request only it can read; whoever runs the request hands that back with each call,
 * which costs a hit nothing, where functions made for each request would.
 */
export interface RequestObserver<Notes = unknown> {
  begin(incoming: RequestStart): Notes;
  observe(event: CacheEvent, notes: Notes): void;
  child(notes: Notes): ChildSpan | undefined;
  /** Runs what belongs to the request. */
  run<T>(notes: Notes, call: () => T): T;
  /** The answer is ready; gives its `traceparent`, if it belongs to a trace that somebody keeps. */
  end(
    notes: Notes,
    answer: RequestEnd,
    waitUntil: (work: Promise<unknown>) => void,
  ): string | undefined;
}

/** What a watcher may know of a request when it comes in. */
export interface RequestStart {
  readonly url: string;
  readonly startedAt: EpochMs;
  /** It runs for the cache's sake alone. */
  readonly background: boolean;
  /** The platform's own request; what is not needed is not read. */
  readonly request: {
    readonly method: string;
    readonly headers: { get(name: string): string | null };
    readonly cf?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** What a watcher may know of an answer. */
export interface RequestEnd {
  readonly at: EpochMs;
  readonly status: number;
  /** The pattern of the route that answered. */
  readonly route: string;
  /** Whether a rate limit has let it pass, or has not. */
  readonly limited: boolean;
}
