/** Applications outside the repository that have the packed package installed. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bundleForWorkerd } from "../../../tools/package/bundle.ts";
import { install } from "../../../tools/package/pack.ts";

export const REPOSITORY = resolve(import.meta.dirname, "../../..");
const BIN = join(REPOSITORY, "node_modules/.bin");

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** An installed application. */
export interface Consumer extends Disposable {
  readonly folder: string;
  write(path: string, text: string): void;
  /** Compiles the application's sources. Returns the errors. */
  types(): string;
  /** Bundles a module for workerd, as wrangler does. */
  bundle(entry: string): Promise<string>;
}

/**
 * Writes an application with these files, and installs the tarball and the named packages in it, in the
 * versions that the repository has.
 */
export function createConsumer(
  tarball: string,
  peers: readonly string[],
  files: Readonly<Record<string, string>>,
): Consumer {
  const { devDependencies: versions } = readManifest(REPOSITORY);
  const dependencies = Object.fromEntries(peers.map((name) => [name, versions[name]]));
  return open(tarball, (folder) => {
    const manifest = { private: true, type: "module", dependencies };
    for (const [path, text] of Object.entries({
      "package.json": JSON.stringify(manifest),
      ...files,
    })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });
}

/** Copies an application of the repository, and installs it with the tarball as `strata`. */
export function copyConsumer(tarball: string, path: string): Consumer {
  return open(tarball, (folder) => cpSync(join(REPOSITORY, path), folder, { recursive: true }));
}

function open(tarball: string, write: (folder: string) => void): Consumer {
  const folder = mkdtempSync(join(tmpdir(), "strata-consumer-"));
  write(folder);
  const manifest = readManifest(folder);
  const dependencies = { ...manifest.dependencies, strata: `file:${tarball}` };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, dependencies }));
  install(folder);
  return {
    folder,
    write: (path, text) => writeFileSync(join(folder, path), text),
    types() {
      const args = ["--noEmit", "--pretty", "false", "--project", folder];
      // The types of the platform come from the repository: each application has them as a devDependency.
      args.push("--typeRoots", join(REPOSITORY, "node_modules"));
      args.push("--types", "@cloudflare/workers-types");
      const { stdout, stderr, error } = spawnSync(join(BIN, "tsc"), args, { encoding: "utf8" });
      if (error !== undefined) throw error;
      return stdout + stderr;
    },
    bundle: (entry) => bundleForWorkerd(entry, { root: folder }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
