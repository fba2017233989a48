/**
 * Installs the two packages that OpenNext's regional cache is made of. Their archives are unpacked, and their
 * dependencies are not installed: those, with the peers, have 678 MB, and the regional cache imports none of them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export const OPENNEXT = "1.20.17";
const PACKAGES = { cloudflare: OPENNEXT, aws: "4.1.16" };
const FOLDER = join(import.meta.dirname, "../hit-opennext/node_modules/@opennextjs");

/** Unpacks the packages beside bench/hit-opennext/worker.ts, if they are not there yet. */
export function installOpenNext(): void {
  if (existsSync(FOLDER)) return;
  mkdirSync(dirname(FOLDER), { recursive: true });
  const unpacked = mkdtempSync(`${FOLDER}-`);
  try {
    for (const [name, version] of Object.entries(PACKAGES)) {
      const target = join(unpacked, name);
      mkdirSync(target);
      const archive = run("npm", ["pack", `@opennextjs/${name}@${version}`, "--silent"], unpacked);
      run("tar", ["xzf", archive, "--strip-components=1", "--directory", target], unpacked);
      rmSync(join(unpacked, archive));
    }
    renameSync(unpacked, FOLDER);
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

/** Returns what a command printed. Throws with its errors if it fails. */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}
