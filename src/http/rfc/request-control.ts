/** What a request asks of caches on its way (RFC 9111, 5.2.1). */
import { parseDirectives, secondsOf, type Directives } from "./directives.ts";
import type { FieldReader } from "./fields.ts";

export interface RequestControl {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  /** Seconds; undefined where the request does not say. */
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
  /** Infinity: however stale. */
  readonly maxStale: number | undefined;
  readonly staleIfError: number | undefined;
}

/** A request that asks nothing. */
export const NO_DEMANDS: RequestControl = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
  staleIfError: undefined,
};

export function requestControlOf(headers: FieldReader): RequestControl {
  const control = headers.get("Cache-Control");
  if (control === null) {
    // 5.4: Pragma counts only where there is no Cache-Control.
    const pragma = headers.get("Pragma");
    if (pragma === null || !parseDirectives(pragma).has("no-cache")) return NO_DEMANDS;
    return { ...NO_DEMANDS, noCache: true };
  }
  const directives = parseDirectives(control);
  return {
    noCache: directives.has("no-cache"),
    noStore: directives.has("no-store"),
    onlyIfCached: directives.has("only-if-cached"),
    maxAge: secondsOf(directives, "max-age"),
    minFresh: secondsOf(directives, "min-fresh"),
    maxStale: maxStaleOf(directives),
    staleIfError: secondsOf(directives, "stale-if-error"),
  };
}

/** Without a value, any staleness will do (5.2.1.2). */
function maxStaleOf(directives: Directives): number | undefined {
  const values = directives.get("max-stale");
  if (values === undefined) return undefined;
  return values.every((value) => value === undefined)
    ? Infinity
    : secondsOf(directives, "max-stale");
}
