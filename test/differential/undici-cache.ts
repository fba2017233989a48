/** undici's cache interceptor in front of an origin that answers once, with a clock that the test sets. */
import { interceptors, type Dispatcher } from "undici";
import { vi } from "vitest";

export interface Exchange {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly asking: Readonly<Record<string, string>>;
  readonly again: Readonly<Record<string, string>>;
  /** Milliseconds between the two requests. */
  readonly afterMs: number;
}

const CONTROLLER = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
} as unknown as Dispatcher.DispatchController;

/** Whether undici answers the second of two requests without waiting for the origin. */
export async function undiciReuses(exchange: Exchange, now: number): Promise<boolean> {
  const { status, headers, asking, again, afterMs } = exchange;
  let asked = 0;
  const dispatch = interceptors.cache({ type: "shared" })((_, handler) => {
    asked++;
    handler.onRequestStart?.(CONTROLLER, {});
    handler.onResponseStart?.(CONTROLLER, status, lowerCase(headers), "");
    handler.onResponseData?.(CONTROLLER, Buffer.from("body"));
    handler.onResponseEnd?.(CONTROLLER, {});
    return true;
  });
  const send = (fields: Exchange["asking"], onAnswer: () => void): void => {
    const request = { origin: "http://x.test", path: "/", method: "GET" } as const;
    dispatch({ ...request, headers: lowerCase(fields) }, { onResponseStart: onAnswer });
  };
  vi.setSystemTime(now);
  send(asking, () => undefined);
  // What it stores it stores in a turn of its own.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  vi.setSystemTime(now + afterMs);
  let reused = false;
  send(again, () => {
    reused = asked === 1;
  });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return reused;
}

function lowerCase(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
