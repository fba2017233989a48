import type { CacheEvent } from "./events.ts";
import { fault, messageOf } from "./faults.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { Clock } from "./time.ts";

/** What one request carries through every room. */
export interface Context {
  readonly now: Clock;
  /** The host under which the edge tier stores its envelopes. */
  readonly host: string;
  /** Where the request entered the network; scopes a regional flight. */
  readonly region: string;
  /** Keeps work alive after the response; a failure in it never reaches the client. */
  defer(work: Promise<unknown>): void;
  emit(event: CacheEvent): void;
  /** For a call that continues this request elsewhere; undefined where nobody watches. */
  child(): ChildSpan | undefined;
}

export interface ContextOptions {
  readonly now: Clock;
  readonly host: string;
  readonly region: string;
  /** The platform's way to keep work alive after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly emit: (event: CacheEvent) => void;
  readonly child?: () => ChildSpan | undefined;
}

/** The context of one request, or of one run of the cron trigger. */
export function createContext(options: ContextOptions): Context {
  const { now, host, region, waitUntil, emit, child = () => undefined } = options;
  return {
    now,
    host,
    region,
    emit,
    child,
    defer: (work) =>
      waitUntil(
        work.catch((error: unknown) =>
          emit({ type: "fault.raise", fault: fault("background.failed", messageOf(error)) }),
        ),
      ),
  };
}
