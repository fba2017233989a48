/**
 * `npm run deploy`: checks that the Worker could serve its first request, then runs `wrangler
 * deploy`. Each finding names the command that mends it. It passes its arguments on to wrangler. A
 * first deployment passes its secrets: `-- --secrets-file <file>`.
 *
 * Then it warms the cache, if it knows an address of the Worker (`STRATA_URL`, a route of wrangler.toml or
 * `--domain`) and a token (`ADMIN_TOKEN` of the secrets file or of the environment).
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { unstable_readConfig } from "wrangler";
import { readMigrationState } from "./database.ts";
import { readEviction } from "./eviction.ts";
import type { Finding } from "./finding.ts";
import { preflight } from "./preflight.ts";
import { parseSecretsFile } from "./secrets-file.ts";
import { warm, warmUrl } from "./warm.ts";
import { queueNames, workerBindings } from "./wrangler-config.ts";
import { deployWorker, listSecrets, stateOfQueue } from "./wrangler.ts";

const args = process.argv.slice(2);
const { values: flags } = parseArgs({
  args,
  strict: false,
  options: {
    "secrets-file": { type: "string" },
    env: { type: "string", short: "e" },
    domain: { type: "string", multiple: true },
    domains: { type: "string", multiple: true },
    route: { type: "string", multiple: true },
    routes: { type: "string", multiple: true },
  },
});
const file = flags["secrets-file"];
const env = typeof flags["env"] === "string" ? flags["env"] : undefined;
const environment = env === undefined ? [] : ["--env", env];

const config = unstable_readConfig(env === undefined ? {} : { env });
const routes = [
  config.route,
  ...(config.routes ?? []),
  ...["domain", "domains", "route", "routes"].map((name) => flags[name]),
].filter((route) => route !== undefined);
const values: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(config.vars).map(([name, value]) => [name, String(value)])),
  ...(typeof file === "string" ? parseSecretsFile(readFileSync(file, "utf8")) : {}),
};
/** The value of a secret, from the secrets file or the shell. The secrets of a deployed Worker cannot be read. */
const secret = (name: string): string | undefined => values[name] ?? process.env[name];

/** Warms the cache. A failure is a warning, because the Worker is deployed, and its cron trigger warms within a minute. */
async function warmDeployed(): Promise<void> {
  const patterns = routes
    .flat()
    .filter((route) => typeof route !== "boolean")
    .map((route) => (typeof route === "string" ? route : route.pattern));
  const url = warmUrl(process.env["STRATA_URL"], patterns, values["ORIGIN_AT_ROOT"] === "1");
  const token = secret("ADMIN_TOKEN");
  const reason =
    url === undefined
      ? "set STRATA_URL to an address of the Worker"
      : "set ADMIN_TOKEN to a token that may warm";
  try {
    if (url === undefined || token === undefined) throw new Error(reason);
    console.log(`warmed: ${await warm({ url, token })}`);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    console.warn(`warning: not warmed (${detail}); the cron trigger warms within a minute`);
  }
}

const { problems, warnings } = preflight({
  values,
  deployed: listSecrets(environment),
  environment,
  ownDomain: routes.length > 0,
  bindings: workerBindings(config),
  queues: queueNames(config).map((name) => ({ name, state: stateOfQueue(name, environment) })),
  migrations: await readMigrationState(secret("DATABASE_URL")),
  eviction: await readEviction(
    secret("UPSTASH_REDIS_REST_URL"),
    secret("UPSTASH_REDIS_REST_TOKEN"),
  ),
});
const print = (kind: string, { text, mend }: Finding): void =>
  console.error(`${kind}: ${text}\n    ${mend}`);
for (const warning of warnings) print("warning", warning);
for (const problem of problems) print("problem", problem);
if (problems.length > 0) {
  console.error(
    "Not deployed. Secrets: npm run deploy -- --secrets-file <file of NAME=value lines>",
  );
  process.exitCode = 1;
} else {
  process.exitCode = deployWorker(args);
  if (process.exitCode === 0 && !args.includes("--dry-run")) await warmDeployed();
}
