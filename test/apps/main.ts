/**
 * `npm run test:apps`: installs ordinary applications, builds the one that needs it, and runs the
 * tests that compare what their visitors get through the proxy with what they get directly.
 * `npm run test:apps -- --build` runs no tests.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const HERE = import.meta.dirname;
const ROOT = join(HERE, "../..");

// The applications are a separate package, installed at the first run.
if (!existsSync(join(HERE, "node_modules")))
  run("npm", ["--prefix", HERE, "ci", "--no-audit", "--no-fund"], ROOT);
run(process.execPath, ["../node_modules/next/dist/bin/next", "build"], join(HERE, "next"));
if (!process.argv.includes("--build")) run(process.execPath, ["tools/test/lanes.ts", "apps"], ROOT);

function run(command: string, args: readonly string[], cwd: string): void {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  const { status } = spawnSync(command, args, { cwd, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
