import type { CacheEvent } from "./events.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { EpochMs } from "./time.ts";

/**
 * Observes every request from its beginning to its response; telemetry implements it. `begin`
 * returns the observer's notes about the request, and the caller passes them back with each call:
 * so a hit needs no closures of its own.
 */
export interface RequestObserver<Notes = unknown> {
  begin(incoming: RequestStart): Notes;
  observe(event: CacheEvent, notes: Notes): void;
  child(notes: Notes): ChildSpan | undefined;
  /** Runs a part of the request, so that spans made inside it belong to the request. */
  run<T>(notes: Notes, call: () => T): T;
  /** Ends the request. Returns the `traceparent` of its trace, or undefined if the trace is not kept. */
  end(
    notes: Notes,
    answer: RequestEnd,
    waitUntil: (work: Promise<unknown>) => void,
  ): string | undefined;
}

/** The request, as the observer gets it at the beginning. */
export interface RequestStart {
  readonly url: string;
  readonly startedAt: EpochMs;
  /** The request is a refresh or a warm by the cache itself, not by a client. */
  readonly background: boolean;
  /** The platform's request. Its fields are read only where they are needed. */
  readonly request: {
    readonly method: string;
    readonly headers: { get(name: string): string | null };
    readonly cf?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** The response, as the observer gets it at the end. */
export interface RequestEnd {
  readonly at: EpochMs;
  readonly status: number;
  /** The pattern of the route that answered, such as `/products/:id`. */
  readonly route: string;
  /** A rate limit was applied to the request, whether it passed or not. */
  readonly limited: boolean;
}
