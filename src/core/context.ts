import type { CacheEvent } from "./events.ts";
import { fault, messageOf } from "./faults.ts";
import type { Child, Context } from "./ports.ts";
import type { Clock } from "./time.ts";

export interface ContextOptions {
  readonly now: Clock;
  readonly host: string;
  readonly region: string;
  /** The platform's way to keep work alive after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly emit: (event: CacheEvent) => void;
  readonly child?: () => Child | undefined;
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
