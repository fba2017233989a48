/**
 * Measures the cost of a limit on a memory hit: one route without a limit, with the response fields
 * of a limit only, with the reference API's fast limit, and with a strict limit. Every client stays
 * below its limit. STARTS and ROUNDS set how often each variant starts and is measured.
 * BASE names another checkout that is measured in the same run.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { compare, withBase } from "./support/subjects.ts";
import { save, show } from "./support/report.ts";
import { closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 16);

const services = await forkServices();
const bindings = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  OTEL_SDK_DISABLED: "true",
  STRATA_LOG: "off",
};
const rows = await compare({
  script: bundle("bench/ratelimit/wrangler.toml"),
  variants: withBase(
    [
      { name: "none", path: "/none", bindings },
      { name: "fields alone", path: "/fields", bindings },
      { name: "fast", path: "/fast", bindings },
      { name: "strict", path: "/strict", bindings, requests: 250 },
    ],
    "bench/ratelimit/wrangler.toml",
  ),
  starts: STARTS,
  rounds: ROUNDS,
  requests: 1_000,
  width: 8,
  warmUp: 12,
});
show(`A hit in memory: ${STARTS} starts, ${ROUNDS} rounds each`, rows);
save("ratelimit", rows);
closeConnections();
await services.close();
