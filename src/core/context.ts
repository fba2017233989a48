import type { CacheEvent } from "./events.ts";
import { fault, messageOf } from "./faults.ts";
import type { ChildSpan } from "./trace-carrier.ts";
import type { Clock } from "./time.ts";

/** The context of one request. The request passes it to every function that it calls. */
export interface Context {
  /** The clock, in milliseconds since the epoch. */
  readonly now: Clock;
  /** The host in the URLs under which the edge tier stores entries. */
  readonly host: string;
  /**
   * The region in which the request entered Cloudflare's network. Lookups of one region share
   * flights of scope "region".
   */
  readonly region: string;
  /**
   * Keeps the work running after the response. If the work fails, an event reports the failure, and
   * the client does not notice.
   */
  defer(work: Promise<unknown>): void;
  /** Reports an event to telemetry. */
  emit(event: CacheEvent): void;
  /** Whether the client has disconnected. False if the platform does not say. */
  hasLeft(): boolean;
  /**
   * Returns a span for a call to another object, which continues the trace. Returns undefined
   * without telemetry.
   */
  child(): ChildSpan | undefined;
}

export interface ContextOptions {
  readonly now: Clock;
  readonly host: string;
  readonly region: string;
  /** The platform's function that keeps work alive after the response. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly emit: (event: CacheEvent) => void;
  readonly child?: () => ChildSpan | undefined;
  /** Default: the client stays. */
  readonly hasLeft?: () => boolean;
}

/** Creates the context of one request, or of one run of the cron trigger. */
export function createContext({
  waitUntil,
  child = () => undefined,
  hasLeft = () => false,
  ...given
}: ContextOptions): Context {
  return { ...given, child, hasLeft, defer: deferTo(waitUntil, given.emit) };
}

/** Returns the `defer` of a context. */
export function deferTo(
  waitUntil: ContextOptions["waitUntil"],
  emit: Context["emit"],
): Context["defer"] {
  return (work) =>
    waitUntil(
      work.catch((error: unknown) =>
        emit({ type: "fault.raise", fault: fault("background.failed", messageOf(error)) }),
      ),
    );
}

/** Returns a copy of a context that reports its events elsewhere. */
export function withEmit(ctx: Context, emit: Context["emit"]): Context {
  return { ...ctx, region: ctx.region, emit };
}
