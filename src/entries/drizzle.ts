/** The entry `strata/drizzle`: cached queries of drizzle-orm. It needs the package `drizzle-orm`. */
export { withCache, type DrizzleCacheOptions } from "../adapters/drizzle.ts";
