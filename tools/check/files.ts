import { globSync } from "node:fs";

const SKIPPED = new Set(["node_modules", ".wrangler", ".strata", "dist", "coverage"]);

/** The TypeScript files under the given folders of `root` (of "." only its own), sorted, relative to it. */
export function sourceFiles(root: string, folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) =>
      globSync(folder === "." ? "*.ts" : `${folder}/**/*.ts`, {
        cwd: root,
        exclude: (path) => SKIPPED.has(path.split("/").at(-1) ?? path),
      }),
    )
    .toSorted();
}
