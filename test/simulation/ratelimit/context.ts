import { createContext } from "../../../src/core/context.ts";
import type { Context } from "../../../src/core/context.ts";
import type { Clock } from "../../../src/core/time.ts";

/** A context whose deferred work runs, and whose events nobody hears. */
export function createQuietContext(now: Clock): Context {
  return createContext({
    now,
    host: "simulated.invalid",
    region: "local",
    waitUntil: () => undefined,
    emit: () => undefined,
  });
}
