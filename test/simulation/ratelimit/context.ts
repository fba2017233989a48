import { createContext } from "../../../src/core/context.ts";
import type { Context } from "../../../src/core/context.ts";
import type { Clock } from "../../../src/core/time.ts";

/** A context that runs deferred work and drops events. */
export function createQuietContext(now: Clock): Context {
  return createContext({
    now,
    host: "simulated.invalid",
    region: "local",
    waitUntil: () => undefined,
    emit: () => undefined,
  });
}
