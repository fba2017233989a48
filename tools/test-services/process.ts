/**
 * The local services in a process of their own: it sends their addresses to its parent and ends
 * with it. Run by setup.ts.
 */
import { startServices } from "../../dev/services.ts";
import { createOwnDatabase } from "./own-database.ts";

const database = await createOwnDatabase();
const services = await startServices({
  redis: process.env["LOCAL_REDIS"] ?? "embedded",
  postgres: database.postgres,
});
const close = (): Promise<void> => services.close().then(database.drop);
// The end of the parent is the only reason to end: Ctrl-C reaches both, and would leave the engines.
process.on("SIGINT", () => undefined);
process.once("disconnect", () => void close().finally(() => process.exit()));
process.send?.({
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  NEON_ENDPOINT: services.sqlEndpoint,
  DATABASE_URL: services.databaseUrl,
  LLM_BASE_URL: services.modelUrl,
  LLM_MODEL: "stand-in",
  SERVICES_URL: services.url,
});
