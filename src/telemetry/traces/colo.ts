/**
 * Finds the Cloudflare data centre that a request entered.
 *
 * @see https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ray
 */
import type { RequestStart } from "../../core/request-observer.ts";

/** A Ray ID and the code of the data centre. Cloudflare sets this field itself, also if the client has sent one. */
const RAY = /^[0-9a-f]+-([A-Z]{3})$/;

/**
 * Returns the code of the data centre, for example "FRA"; "" if it is not known. `CF-Ray` is read first, because
 * the runtime parses all of `request.cf` when a Worker reads one member of it.
 */
export function coloOf(request: RequestStart["request"]): string {
  const ray = request.headers.get("CF-Ray");
  const named = ray === null ? undefined : RAY.exec(ray)?.[1];
  if (named !== undefined) return named;
  const colo = request.cf?.["colo"];
  return typeof colo === "string" ? colo : "";
}
