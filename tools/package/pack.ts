/** Packs the package and installs it into other folders, as an application would. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** Builds and packs the package into a folder. Returns the path of the tarball. */
export function pack(folder: string): string {
  // `prepack` builds; what it prints comes before the name of the file.
  const output = run("npm", ["pack", "--pack-destination", folder], ROOT);
  return join(folder, output.trim().split("\n").at(-1) ?? "");
}

/** Installs the dependencies of the package in a folder, from npm's cache where it has them. */
export function install(folder: string): void {
  const options = ["--prefer-offline", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  run("npm", ["install", ...options], folder);
}

/** Runs a program to its end and returns what it printed. @throws with everything that it printed, if it fails */
function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
