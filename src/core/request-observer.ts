import type { CacheEvent } from "./events.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { EpochMs } from "./time.ts";

/**
 * Observes every request from its start to its response. Telemetry implements it. `begin` returns
 * the observer's record of the request, and the caller passes the record to the other functions.
 * One object with functions for each request would make a memory hit slower.
 */
export interface RequestObserver<Observation = unknown> {
  begin(request: RequestStart): Observation;
  observe(event: CacheEvent, observation: Observation): void;
  /** Creates a child of the request's span. Returns undefined if the request belongs to no trace. */
  child(observation: Observation): ChildSpan | undefined;
  /** Runs the request. Code inside `call` can find the record of the request. */
  run<T>(observation: Observation, call: () => T): T;
  /**
   * Ends the request when its response is ready. Returns the `traceparent` of the request. Its flags say
   * whether the trace is kept.
   */
  end(
    observation: Observation,
    response: RequestEnd,
    waitUntil: (work: Promise<unknown>) => void,
  ): string;
}

/** The part of an incoming request that an observer may read. */
export interface RequestStart {
  readonly url: string;
  readonly startedAt: EpochMs;
  /** Whether the request is a refresh, for which no client waits. */
  readonly background: boolean;
  /** The platform's request object. The observer reads its fields only if it needs them. */
  readonly request: {
    readonly method: string;
    readonly headers: { get(name: string): string | null };
    readonly cf?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** The part of a response that an observer may read. */
export interface RequestEnd {
  readonly at: EpochMs;
  readonly status: number;
  /** The pattern of the route that answered. */
  readonly route: string;
  /** Whether a rate limit has decided about the request. */
  readonly limited: boolean;
}
