/** The entry `strata/encryption`: stored entries are ciphertext. */
export { encryption, type EncryptionKey, type EncryptionOptions } from "../data/encryption.ts";
export type { Encryption } from "../core/encryption.ts";
