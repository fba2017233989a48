import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Builds the bundle that `wrangler deploy` would upload for a configuration. `root` is the folder of the checkout.
 * Throws with wrangler's output if that fails.
 */
export function bundle(config: string, root: string = ROOT): string {
  const out = mkdtempSync(join(tmpdir(), "strata-bundle-"));
  try {
    const wrangler = createRequire(import.meta.url).resolve("wrangler/package.json");
    const args = ["deploy", "--config", config, "--dry-run", "--outdir", out];
    const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: out, CI: "1" };
    const program = join(dirname(wrangler), "bin", "wrangler.js");
    const run = spawnSync(process.execPath, [program, ...args], {
      cwd: root,
      encoding: "utf8",
      env,
    });
    if (run.status !== 0) throw new Error(`${config} does not bundle: ${run.stdout}${run.stderr}`);
    return readFileSync(join(out, "worker.js"), "utf8");
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
