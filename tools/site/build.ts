/**
 * `npm run site`: builds the site of the documentation into site/dist, as static files. It fails if a page
 * links to a page that does not exist.
 *
 * The generator is a separate package in site/, installed at the first run. The pages are copied there,
 * because the generator compiles them and looks for its packages from where they lie.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const SITE = join(ROOT, "site");

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: SITE, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(SITE, "node_modules"))) run("npm", ["ci", "--no-audit", "--no-fund"]);
rmSync(join(SITE, "pages"), { recursive: true, force: true });
cpSync(join(ROOT, "docs"), join(SITE, "pages"), { recursive: true });
run(process.execPath, [join(SITE, "node_modules/vitepress/bin/vitepress.js"), "build"]);
