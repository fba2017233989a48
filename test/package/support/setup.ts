/** Builds and packs the package once for all files of this project. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { pack } from "../../../tools/package/pack.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The path of the packed package. */
    readonly tarball: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "strata-packed-"));
  project.provide("tarball", pack(folder));
  return () => rmSync(folder, { recursive: true, force: true });
}
