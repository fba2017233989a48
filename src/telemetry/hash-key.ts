import { fnv1a } from "../core/hash.ts";

/**
 * Returns the text that telemetry shows instead of a key: 52 bits of two FNV-1a hashes. Different
 * keys almost never get equal texts. A person who can guess the key can also compute its text.
 */
export function hashKey(key: string): string {
  const high = fnv1a(key);
  const low = fnv1a(key, 0x01000193, 0x85ebca6b);
  return `#${high.toString(16).padStart(8, "0")}${(low >>> 12).toString(16).padStart(5, "0")}`;
}
