/** `npm run build`: compiles the entries of the package to `dist`, one module for each module of src. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const OUT = "dist";
/** A relative module of TypeScript: behind `from`, behind `import`, or in an import type. */
const SOURCE_MODULE = /((?:from|import) ?\(?"\.{1,2}\/[^"]+)\.ts"/gu;

rmSync(OUT, { recursive: true, force: true });
const { status, error } = spawnSync("tsc", ["--project", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (error !== undefined) throw error;
if (status !== 0) process.exit(status ?? 1);

// tsc rewrites the names of modules in JavaScript only. A declaration that names a `.ts` file needs an
// option of the reader's own project.
for (const path of globSync(`${OUT}/**/*.d.ts`)) {
  const lines = readFileSync(path, "utf8").split("\n");
  const named = lines.map((line) =>
    line.trimStart().startsWith("*") ? line : line.replaceAll(SOURCE_MODULE, '$1.js"'),
  );
  writeFileSync(path, named.join("\n"));
}
console.log(`build: ${globSync(`${OUT}/**/*.js`).length} modules in ${OUT}`);
