import { SECURITY_FIELDS } from "./security-fields.ts";

/** The members of a problem response. */
export interface ProblemOptions {
  /** The status code of the response. */
  readonly status: number;
  /** The last part of the type URI `urn:strata:problem:<type>`, in kebab-case. It never changes. */
  readonly type: string;
  /** A short text that is the same for every problem of this type. */
  readonly title: string;
  /** A sentence that explains the fault of this request to a person. */
  readonly detail?: string;
  /** Header fields in addition to `Content-Type`, `Cache-Control` and those of `SECURITY_FIELDS`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the JSON object in addition to the standard ones. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

const TYPE_BASE = "urn:strata:problem:";

/**
 * Makes an `application/problem+json` response (RFC 9457). The response is `no-store`, because it
 * describes one request at one instant.
 *
 * @example
 * app.notFound(() =>
 *   problem({ status: 404, type: "not-found", title: "Not Found", detail: "There is no such route." }),
 * );
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
  const response = new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...SECURITY_FIELDS,
      ...headers,
    },
  });
  const isSilent = Object.keys(headers ?? {}).every(
    (name) => name.toLowerCase() !== "cache-control",
  );
  if (isSilent) ownProblems.add(response);
  return response;
}

const ownProblems = new WeakSet<Response>();

/**
 * Whether `problem` made the response, and its `no-store` is still the one for clients. The
 * `no-store` of such a 404 is not the statement of a handler that it may not be shared.
 */
export function isOwnProblem(response: Response): boolean {
  return ownProblems.has(response) && response.headers.get("Cache-Control") === "no-store";
}

/** Makes the 504 for a request with only-if-cached that no stored response may answer (RFC 9111, 5.2.1.7). */
export function onlyIfCachedProblem(): Response {
  return problem({
    status: 504,
    type: "only-if-cached",
    title: "Gateway Timeout",
    detail:
      "No stored response may answer this request, and only-if-cached forbids asking the origin.",
  });
}
