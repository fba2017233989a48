const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Returns the 32-bit FNV-1a hash of a text, computed over its UTF-16 units.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc9923
 */
export function fnv1a(text: string, basis = FNV_BASIS, prime = FNV_PRIME): number {
  let hash = basis;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), prime);
  return hash >>> 0;
}

/**
 * Returns a number from 0 to `shards - 1` for a name. It distributes keys and isolates over Durable
 * Objects.
 */
export function shardOf(name: string, shards: number): number {
  return fnv1a(name) % shards;
}

/**
 * Returns the FNV-1a hash of a text from a seed, with the finalizer of MurmurHash3, so that similar
 * texts get very different numbers.
 */
export function seededHash(text: string, seed: number): number {
  let hash = fnv1a(text, seed);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
