/**
 * Keeps a copy of a fresh database cluster of PGlite. initdb in WebAssembly takes 3.6 s of processor
 * time, a start from the copy 0.3 s.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PGlite } from "@electric-sql/pglite";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** The file of the copy for the installed version of PGlite. */
export function templateFile(): string {
  const manifest = readFileSync(join(MODULES, "@electric-sql/pglite/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  return join(MODULES, `.cache/strata/pglite-${version}.tar`);
}

/** The copy, for `loadDataDir`; undefined if there is none yet. */
export function readTemplate(file: string): Blob | undefined {
  try {
    return new Blob([readFileSync(file)]);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

/** Copies a fresh cluster to `file`. Two processes may do it at the same time. */
export async function saveTemplate(db: PGlite, file: string): Promise<void> {
  const dump = await db.dumpDataDir("none");
  const partial = `${file}.${process.pid}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(partial, Buffer.from(await dump.arrayBuffer()));
  renameSync(partial, file);
}
