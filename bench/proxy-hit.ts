/**
 * Measures the cost of a memory hit of the proxy at the root, where no rate limit applies. STARTS and
 * ROUNDS set how often each variant starts and is measured. BASE names another checkout that is
 * measured in the same run.
 */
import { bundle } from "../dev/bundle.ts";
import { forkServices } from "../dev/services-process.ts";
import { resource, startOrigin } from "./floods/origin.ts";
import { save, show } from "./support/report.ts";
import { compare, withBase } from "./support/subjects.ts";
import { closeConnections } from "./tiers/load.ts";

const STARTS = Number(process.env["STARTS"] ?? 5);
const ROUNDS = Number(process.env["ROUNDS"] ?? 30);

const services = await forkServices();
const origin = await startOrigin();
const bindings = {
  DATABASE_URL: services.databaseUrl,
  NEON_ENDPOINT: services.sqlEndpoint,
  UPSTASH_REDIS_REST_URL: services.redisUrl,
  UPSTASH_REDIS_REST_TOKEN: services.redisToken,
  ORIGIN_URL: origin.url,
  ORIGIN_AT_ROOT: "1",
  OTEL_SDK_DISABLED: "true",
  STRATA_LOG: "off",
};
const pathOf = (bytes: number): string => resource("/hit", { bytes, control: "max-age=86400" });
const variants = withBase(
  [
    { name: "1 KB", path: pathOf(1_000), bindings },
    { name: "64 KB", path: pathOf(64_000), bindings },
  ],
  "wrangler.toml",
);
const rows = await compare({
  script: bundle("wrangler.toml"),
  variants,
  starts: STARTS,
  rounds: ROUNDS,
  requests: 1_000,
  width: 8,
  warmUp: 12,
});
// Each isolate loads its resource once. The first requests are 8 at a time, and may each load it.
const loads = origin.requests("/hit");
if (loads > STARTS * variants.length * 8) throw new Error(`${loads} requests reached the origin`);
show(`A hit of the proxy in memory: ${STARTS} starts, ${ROUNDS} rounds each`, rows);
save("proxy-hit", rows);
closeConnections();
await origin.close();
await services.close();
