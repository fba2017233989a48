/** Warms the cache of a Worker that has just been deployed. */

/** The address of the deployed Worker, and a token that may warm. */
export interface WarmTarget {
  readonly url: string;
  readonly token: string;
}

/** The Worker answers a warm-up of 1,200 rows in about a second; a slow database may take longer. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the address of `POST /admin/warm`.
 *
 * @param given an address of the Worker, which has precedence
 * @param patterns the routes of wrangler.toml; the first one without a wildcard in its host is used
 */
export function warmUrl(
  given: string | undefined,
  patterns: readonly string[],
  atRoot: boolean,
): string | undefined {
  const hosts = patterns.map((pattern) => pattern.replace(/^https?:\/\//, "").split("/", 1)[0]);
  const host = hosts.find((one) => one !== undefined && one !== "" && !one.includes("*"));
  const base = given ?? (host === undefined ? undefined : `https://${host}`);
  if (base === undefined) return undefined;
  return `${base.replace(/\/+$/, "")}${atRoot ? "/__strata" : ""}/admin/warm`;
}

/** Warms the hottest rows. Returns the last line of the answer. @throws if the warm-up has not finished */
export async function warm({ url, token }: WarmTarget): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ kind: "hottest" }),
    // A redirect would send the token to another host.
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const last = (await response.text()).trim().split("\n").at(-1) ?? "";
  if (response.status !== 200) throw new Error(`the Worker answered ${response.status}`);
  const { finished } = JSON.parse(last) as { readonly finished?: boolean };
  if (finished !== true) throw new Error(`the warm-up ended early: ${last}`);
  return last;
}
