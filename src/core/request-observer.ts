import type { CacheEvent } from "./events.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { EpochMs } from "./time.ts";

/**
 * Observes every request from its start to its response: the port of telemetry. `begin` returns
 * the observer's record of the request, and the caller passes it to the other functions. An object
 * of functions for each request would cost a memory hit more.
 */
export interface RequestObserver<Observation = unknown> {
  begin(request: RequestStart): Observation;
  observe(event: CacheEvent, observation: Observation): void;
  /** Names a child of the request's span. Undefined if the request is in no trace. */
  child(observation: Observation): ChildSpan | undefined;
  /** Runs the request. The observer can find its record from inside `call`. */
  run<T>(observation: Observation, call: () => T): T;
  /** Ends the request when its response is ready. Returns its `traceparent` if it is in a trace. */
  end(
    observation: Observation,
    response: RequestEnd,
    waitUntil: (work: Promise<unknown>) => void,
  ): string | undefined;
}

/** The part of an incoming request that an observer may read. */
export interface RequestStart {
  readonly url: string;
  readonly startedAt: EpochMs;
  /** Whether it is a refresh, which no client waits for. */
  readonly background: boolean;
  /** The platform's request. The observer reads its fields only if it needs them. */
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
  /** Whether a rate limit has decided about it. */
  readonly limited: boolean;
}
