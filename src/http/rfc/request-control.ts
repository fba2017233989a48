/** The cache directives of a request (RFC 9111, 5.2.1). */
import { deltaSecondsOf, parseDirectives, type Directives } from "./directives.ts";
import type { FieldReader } from "./fields.ts";

export interface RequestControl {
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  /** The directive's value in seconds, like those of the members below; undefined if the directive is absent. */
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
  /** The value is Infinity if the directive has no argument. */
  readonly maxStale: number | undefined;
  readonly staleIfError: number | undefined;
}

/** A request without directives, or one whose directives the cache ignores. */
export const NO_REQUEST_DIRECTIVES: RequestControl = {
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
    // RFC 9111, 5.4: Pragma is used only if there is no Cache-Control.
    const pragma = headers.get("Pragma");
    if (pragma === null || !parseDirectives(pragma).has("no-cache")) return NO_REQUEST_DIRECTIVES;
    return { ...NO_REQUEST_DIRECTIVES, noCache: true };
  }
  const directives = parseDirectives(control);
  return {
    noCache: directives.has("no-cache"),
    noStore: directives.has("no-store"),
    onlyIfCached: directives.has("only-if-cached"),
    maxAge: deltaSecondsOf(directives, "max-age"),
    minFresh: deltaSecondsOf(directives, "min-fresh"),
    maxStale: maxStaleOf(directives),
    staleIfError: deltaSecondsOf(directives, "stale-if-error"),
  };
}

/**
 * Returns the value of max-stale in seconds. RFC 9111, 5.2.1.2: max-stale without an argument
 * accepts any staleness.
 */
function maxStaleOf(directives: Directives): number | undefined {
  const values = directives.get("max-stale");
  if (values === undefined) return undefined;
  return values.every((value) => value === undefined)
    ? Infinity
    : deltaSecondsOf(directives, "max-stale");
}
