/**
 * `npm run bench [-- name…]`: runs the benchmarks one after the other, each in its own process. A
 * benchmark is a file in this folder; the subfolders hold their parts.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";

const HERE = import.meta.dirname;

const all = globSync("*.ts", { cwd: HERE })
  .map((file) => basename(file, ".ts"))
  .filter((name) => name !== "main")
  .toSorted();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}. There are: ${all.join(", ")}.`);
  process.exit(1);
}

// The benchmarks are a separate package, installed at the first run.
if (!existsSync(join(HERE, "node_modules")))
  run("npm", ["--prefix", HERE, "ci", "--no-audit", "--no-fund"]);

for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n== ${name}`);
  run(process.execPath, [join(HERE, `${name}.ts`)]);
}

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
