/** The part of the platform that only workerd has. Node runs the modules that do not import this one. */
import { waitUntil } from "cloudflare:workers";
import type { Defer } from "./core/breaker.ts";

/**
 * Keeps work alive after the response of the request that runs now. Outside a request the platform
 * has nothing to keep alive, and the work runs as long as the isolate does.
 */
export const keepAlive: Defer = (work) => {
  try {
    waitUntil(work);
  } catch {
    void work;
  }
};
