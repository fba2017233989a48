/**
 * Measures the cost of telemetry for a memory hit. It compares one route of the reference API with
 * telemetry off, with no request sampled, with 10 % sampled, and with all requests sampled.
 * BASE names another checkout that is measured in the same run.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { compare, withBase } from "./support/subjects.ts";
import { save, show } from "./support/report.ts";
import { closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 60);

const services = await forkServices();
const common = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  STRATA_DEV: "1",
  STRATA_LOG: "off",
  OTEL_EXPORTER_OTLP_ENDPOINT: `${services.url}/otlp`,
};
const tenth = {
  OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.1",
};
const path = "/products/1";
const rows = await compare({
  script: bundle("wrangler.toml"),
  variants: withBase(
    [
      { name: "off", path, bindings: { ...common, OTEL_SDK_DISABLED: "true" } },
      { name: "none sampled", path, bindings: { ...common, OTEL_TRACES_SAMPLER: "always_off" } },
      { name: "10 %", path, bindings: { ...common, ...tenth } },
      { name: "full", path, bindings: { ...common, OTEL_TRACES_SAMPLER: "always_on" } },
    ],
    "wrangler.toml",
  ),
  starts: STARTS,
  rounds: ROUNDS,
  requests: 1_000,
  width: 8,
  warmUp: 16,
});
show(`A memory hit: ${STARTS} starts, ${ROUNDS} rounds each`, rows);
save("telemetry", rows);
closeConnections();
await services.close();
