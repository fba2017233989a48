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
  /** The region, or a function that finds it when it is first needed. */
  readonly region: string | (() => string);
  /** The platform's function that keeps work alive after the response. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly emit: (event: CacheEvent) => void;
  readonly child?: () => ChildSpan | undefined;
  /** Default: the client stays. */
  readonly hasLeft?: () => boolean;
}

/**
 * The region is found when it is first needed: a hit in memory needs none, and to find it means to parse
 * `request.cf`. The getter is on a class (decision 20), so a copy by `...ctx` has no region; use `withEmit`.
 */
class LazyContext implements Context {
  readonly now: Clock;
  readonly host: string;
  readonly emit: Context["emit"];
  readonly child: Context["child"];
  readonly hasLeft: Context["hasLeft"];
  readonly defer: Context["defer"];
  #region: string | (() => string);

  constructor(options: ContextOptions) {
    const { now, host, region, waitUntil, emit } = options;
    this.now = now;
    this.host = host;
    this.emit = emit;
    this.child = options.child ?? noChild;
    this.hasLeft = options.hasLeft ?? stays;
    this.defer = (work) =>
      waitUntil(
        work.catch((error: unknown) =>
          emit({ type: "fault.raise", fault: fault("background.failed", messageOf(error)) }),
        ),
      );
    this.#region = region;
  }

  get region(): string {
    return typeof this.#region === "string" ? this.#region : (this.#region = this.#region());
  }
}

const noChild = (): undefined => undefined;
const stays = (): boolean => false;

/** Creates the context of one request, or of one run of the cron trigger. */
export function createContext(options: ContextOptions): Context {
  return new LazyContext(options);
}

/** Returns a copy of a context that reports its events elsewhere. */
export function withEmit(ctx: Context, emit: Context["emit"]): Context {
  return { ...ctx, region: ctx.region, emit };
}
