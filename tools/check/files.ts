import { globSync } from "node:fs";

const SKIPPED = new Set(["node_modules", ".git", ".wrangler", ".strata", "coverage", "dist"]);

/**
 * Returns the files under `root` that match the patterns, sorted and relative to it, without
 * generated and installed files.
 */
export function filesOf(root: string, patterns: readonly string[]): readonly string[] {
  return globSync(patterns, {
    cwd: root,
    exclude: (path) => SKIPPED.has(path.split("/").at(-1) ?? path),
  }).toSorted();
}
