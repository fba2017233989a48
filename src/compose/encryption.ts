/** The encryption of stored entries with the randomness of the platform. */
import type { Encryption } from "../core/encryption.ts";
import { createEncryption, type EncryptionOptions } from "../data/encryption.ts";
import { randomBytes } from "../platform.ts";

/**
 * Encrypts entries in the edge, in the shared store and in flight objects. Memory keeps plain text. An
 * entry that none of the keys decrypts is a miss, and an event `entry.reject`.
 *
 * @throws {DefinitionError} that lists what is wrong with the keys. It never holds a key.
 * @example
 * import { env } from "cloudflare:workers";
 *
 * const strata = createStrata({
 *   namespace: "shop",
 *   encryption: encryption({ keys: [{ id: "2026-11", key: env.CACHE_KEY }] }),
 * });
 */
export function encryption(options: EncryptionOptions): Encryption {
  return createEncryption(options, randomBytes);
}
