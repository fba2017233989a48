// @ts-check
/** Requests to the API. Each answer is reported, so that the page can show where it came from. */

/**
 * @typedef {{ method?: string, body?: unknown, token?: string, accept?: string }} Ask
 * @typedef {{ method: string, path: string, status: number, headers: Headers, browserMs: number }} Answer
 */

/** An answer with an error status. The message is for the user. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {(answer: Answer) => void} onAnswer */
export function createAsk(onAnswer) {
  /**
   * Sends a request past the browser's cache, so that the fields are those of this request.
   * @param {string} path @param {Ask} [ask] @returns {Promise<Response>} rejects with `Refused` for an error status
   */
  return async (path, { method = "GET", body, token = "", accept = "application/json" } = {}) => {
    const startedAt = performance.now();
    const response = await fetch(path, {
      method,
      cache: "no-store",
      headers: {
        accept,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(token !== "" && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { status, headers } = response;
    const browserMs = performance.now() - startedAt;
    onAnswer({ method, path: `/${path}`, status, headers, browserMs });
    if (response.ok) return response;
    throw new Refused(status, await reasonOf(response));
  };
}

/** @param {Response} response */
async function reasonOf(response) {
  const wait = response.headers.get("Retry-After");
  /** @type {{ title?: string, detail?: string }} */
  const problem = await response.json().catch(() => ({}));
  const reason = `${response.status}: ${problem.detail ?? problem.title ?? "no reason given"}`;
  return wait === null ? reason : `${reason} Try again in ${wait} s.`;
}
