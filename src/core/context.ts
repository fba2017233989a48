import type { CacheEvent } from "./events.ts";
import { fault, messageOf } from "./faults.ts";
import type { Context } from "./ports.ts";
import type { Clock } from "./time.ts";

export interface ContextOptions {
  readonly id: string;
  readonly now: Clock;
  readonly host: string;
  readonly region: string;
  /** The platform's way to keep work alive after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly emit: (event: CacheEvent, requestId: string) => void;
}

/** The context of one request, or of one run of the cron trigger. */
export function createContext(options: ContextOptions): Context {
  const { id, now, host, region, waitUntil } = options;
  const emit = (event: CacheEvent): void => options.emit(event, id);
  return {
    id,
    now,
    host,
    region,
    emit,
    defer: (work) =>
      waitUntil(
        work.catch((error: unknown) =>
          emit({ type: "fault.raise", fault: fault("background.failed", messageOf(error)) }),
        ),
      ),
  };
}
