/** The entry `strata/postgres`: writes of rows with their invalidations. It needs `drizzle-orm` and `@neondatabase/serverless`. */
export { postgres, type PostgresOptions, type PostgresWriter } from "../compose/postgres-layer.ts";
export type { Mutation } from "../writes/mutate.ts";
export type { Through } from "../writes/through.ts";
export type { InvalidationState, Written } from "../writes/writer.ts";
export { WriteUnconfirmed } from "../writes/unconfirmed.ts";
export { OriginFault } from "../origin/fault.ts";
export { outbox } from "../writes/schema.ts";
