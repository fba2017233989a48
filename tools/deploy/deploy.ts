/**
 * `npm run deploy`: checks that the Worker could serve its first request, then runs `wrangler
 * deploy`. It passes its arguments on to wrangler. A first deployment passes its secrets: `--
 * --secrets-file <file>`.
 *
 * Then it warms the cache, if it knows an address of the Worker (`STRATA_URL`, or a route of wrangler.toml)
 * and a token (`ADMIN_TOKEN` of the environment or of the secrets file).
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { unstable_readConfig } from "wrangler";
import { preflight } from "./preflight.ts";
import { parseSecretsFile } from "./secrets-file.ts";
import { warm, warmUrl } from "./warm.ts";

const args = process.argv.slice(2);
const { values: flags } = parseArgs({
  args,
  strict: false,
  options: { "secrets-file": { type: "string" }, env: { type: "string", short: "e" } },
});
const file = flags["secrets-file"];
const env = typeof flags["env"] === "string" ? flags["env"] : undefined;
const environment = env === undefined ? [] : ["--env", env];

/**
 * Returns the names of the deployed Worker's secrets. Before the first deployment there are none.
 */
function listSecrets(): ReadonlySet<string> {
  const run = spawnSync("wrangler", ["secret", "list", "--format", "json", ...environment], {
    encoding: "utf8",
  });
  if (run.error !== undefined) throw run.error;
  if (run.status === 0) {
    const list = JSON.parse(run.stdout) as readonly { readonly name: string }[];
    return new Set(list.map(({ name }) => name));
  }
  if (/Worker ".*" .*not found/u.test(run.stdout + run.stderr)) return new Set();
  console.error(run.stdout + run.stderr);
  throw new Error("the Worker's secrets cannot be listed");
}

const config = unstable_readConfig(env === undefined ? {} : { env });
const routes = [config.route, ...(config.routes ?? [])].filter((route) => route !== undefined);
const values: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(config.vars).map(([name, value]) => [name, String(value)])),
  ...(typeof file === "string" ? parseSecretsFile(readFileSync(file, "utf8")) : {}),
};

/** Warms the cache. A failure is a warning, because the Worker is deployed, and its cron trigger warms within a minute. */
async function warmDeployed(): Promise<void> {
  const patterns = routes.map((route) => (typeof route === "string" ? route : route.pattern));
  const url = warmUrl(process.env["STRATA_URL"], patterns, values["ORIGIN_AT_ROOT"] === "1");
  const token = process.env["ADMIN_TOKEN"] ?? values["ADMIN_TOKEN"];
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
  deployed: listSecrets(),
  ownDomain: routes.length > 0,
});
for (const warning of warnings) console.warn(`warning: ${warning}`);
for (const problem of problems) console.error(`problem: ${problem}`);
if (problems.length > 0) {
  console.error(
    "Not deployed. Secrets: npm run deploy -- --secrets-file <file of NAME=value lines>",
  );
  process.exitCode = 1;
} else {
  process.exitCode = spawnSync("wrangler", ["deploy", ...args], { stdio: "inherit" }).status ?? 1;
  if (process.exitCode === 0 && !args.includes("--dry-run")) await warmDeployed();
}
