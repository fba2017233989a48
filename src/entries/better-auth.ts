/** The entry `strata/better-auth`: sessions of better-auth in Redis. It needs the package `@upstash/redis`. */
export { secondaryStorage, type SecondaryStorageSettings } from "../adapters/better-auth.ts";
export type { SecondaryStorage } from "../redis/secondary-storage.ts";
export { SessionsUnavailable } from "../core/sessions.ts";
