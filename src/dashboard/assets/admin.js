// @ts-check
/** @typedef {(path: string, init?: RequestInit) => Promise<Response>} AskAdmin */

/**
 * Creates the function that asks a route under /admin with the admin token. It rejects with the text of
 * the problem if the answer is one.
 * @param {{ base: string, token: () => string }} options @returns {AskAdmin}
 */
export function createAskAdmin({ base, token }) {
  return async (path, init = {}) => {
    const response = await fetch(`${base}/admin/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token()}`, "content-type": "application/json" },
    });
    if (response.ok) return response;
    /** @type {{ detail?: string, title?: string, errors?: { field: string, detail: string }[] }} */
    const problem = await response.json().catch(() => ({}));
    const fields = (problem.errors ?? []).map(({ field, detail }) => `${field} ${detail}`);
    const text = fields.join("; ") || problem.detail || problem.title || response.statusText;
    throw new Error(`${response.status}: ${text}`);
  };
}
