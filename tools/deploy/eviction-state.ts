import type { Finding } from "./finding.ts";

/** The eviction policy of the Redis database, or why it is unknown. */
export type EvictionState =
  | { readonly policy: string }
  /** The database answered and did not name its policy. */
  | { readonly unreported: true }
  | { readonly unknown: string };

const ENABLE_EVICTION =
  'curl -X POST -u "$UPSTASH_EMAIL:$UPSTASH_API_KEY" https://api.upstash.com/v2/redis/enable-eviction/<id of the database>';

/** Checks that a full database evicts keys instead of refusing writes. */
export function evictionFindings(eviction: EvictionState): {
  readonly warnings?: readonly Finding[];
} {
  if ("unknown" in eviction) {
    const text = `the eviction setting of Redis is not known: ${eviction.unknown}`;
    const mend =
      "UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… npm run deploy, or look at Eviction in the Upstash console";
    return { warnings: [{ text, mend }] };
  }
  if ("unreported" in eviction || eviction.policy !== "noeviction") return {};
  const text = "Redis evicts nothing (noeviction): a full database refuses writes";
  return { warnings: [{ text, mend: ENABLE_EVICTION }] };
}
