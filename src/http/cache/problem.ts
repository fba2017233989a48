export interface ProblemOptions {
  readonly status: number;
  /** The last part of the type URI: stable, kebab-case, documented. */
  readonly type: string;
  readonly title: string;
  /** What is wrong with this request, for a person. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the object. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

const TYPE_BASE = "urn:strata:problem:";

/**
 * An `application/problem+json` answer (RFC 9457). Problems are not cached by
 * clients: they say what is wrong now.
 */
export function problem(options: ProblemOptions): Response {
  const { status, type, title, detail, headers, extensions } = options;
  const body = {
    type: `${TYPE_BASE}${type}`,
    title,
    status,
    ...(detail !== undefined && { detail }),
    ...extensions,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...headers,
    },
  });
}

/** The answer to only-if-cached where nothing suits (RFC 9111, 5.2.1.7). */
export function notCached(): Response {
  return problem({
    status: 504,
    type: "only-if-cached",
    title: "Gateway Timeout",
    detail:
      "Nothing is stored that may answer this request, and it does not let the origin be asked.",
  });
}
