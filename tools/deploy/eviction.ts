import { parseInfo } from "../../src/redis/parse-info.ts";
import type { EvictionState } from "./eviction-state.ts";

const TIMEOUT_MS = 5_000;

/** Asks the Redis database for its eviction policy. Never rejects, and repeats no error. */
export async function readEviction(
  url: string | undefined,
  token: string | undefined,
): Promise<EvictionState> {
  if (url === undefined || token === undefined)
    return { unknown: "UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN are not set here" };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify(["INFO"]),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) return { unknown: `Redis answered ${response.status}` };
    const body: unknown = await response.json();
    const result = typeof body === "object" && body !== null && "result" in body && body.result;
    const { evictionPolicy } = parseInfo(result);
    return evictionPolicy === undefined ? { unreported: true } : { policy: evictionPolicy };
  } catch {
    return { unknown: "Redis does not answer" };
  }
}
