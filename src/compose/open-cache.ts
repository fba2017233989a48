/** The functions by which a program opens the cache outside the middleware: `open` and `wrap`. */
import type { Defer } from "../core/breaker.ts";
import { createContext, type Context } from "../core/context.ts";
import type { CacheEvent } from "../core/events.ts";
import type { Clock } from "../core/time.ts";
import type { Cache } from "../data/cache.ts";
import type { Lifetime, Openable, Place } from "../data/strata.ts";
import { createWrap } from "../data/wrap.ts";

/** The host in the URLs of the Cache API. No route of it exists. */
export const HOST = "strata.internal";

export interface OpenableParts {
  /** Opens the cache for a context. */
  readonly openFor: (ctx: Context) => Cache;
  readonly now: Clock;
  readonly emit: (event: CacheEvent) => void;
  /** Keeps work alive that no execution context keeps alive. */
  readonly keepAlive: Defer;
}

/** Returns the context of one piece of work. Without a lifetime, the platform's own `waitUntil` keeps work alive. */
export function contextOf(
  { now, emit, keepAlive }: Pick<OpenableParts, "now" | "emit" | "keepAlive">,
  lifetime?: Lifetime,
  { region = "local" }: Place = {},
): Context {
  const waitUntil =
    lifetime === undefined ? keepAlive : (work: Promise<unknown>) => lifetime.waitUntil(work);
  return createContext({ now, host: HOST, region, waitUntil, emit });
}

/** Creates both functions. `parts` is called at each opening, because it may build the parts at first use. */
export function composeOpenable(parts: () => OpenableParts): Openable {
  const open: Openable["open"] = (lifetime, place) => {
    const { openFor, ...rest } = parts();
    return openFor(contextOf(rest, lifetime, place));
  };
  return { open, wrap: createWrap(() => open()) };
}
