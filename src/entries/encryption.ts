/** The entry `strata/encryption`: stored entries are ciphertext. */
export { encryption } from "../compose/encryption.ts";
export type { EncryptionKey, EncryptionOptions } from "../data/encryption.ts";
export type { Encryption } from "../core/encryption.ts";
