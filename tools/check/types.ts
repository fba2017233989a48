/** `npm run check:types`: every program of the repository, and every file in one of them. */
import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import { sourceFiles } from "./files.ts";
import { finish } from "./report.ts";

/** The Worker, its tests in workerd, and what runs in Node. */
const PROGRAMS = ["tsconfig.json", "test/tsconfig.json", "tsconfig.node.json"] as const;

const root = process.cwd();
const problems: string[] = [];
const seen = new Set<string>();
for (const program of PROGRAMS) {
  const run = spawnSync("tsc", ["--project", program, "--listFiles", "--pretty", "false"], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.error !== undefined) throw run.error;
  // The files of the program are printed as absolute paths, after its errors.
  const lines = run.stdout.split("\n").filter((line) => line !== "");
  const errors = lines.filter((line) => !line.startsWith("/"));
  for (const file of lines.filter((line) => line.startsWith("/"))) seen.add(relative(root, file));
  // A program without files, as in a young repository, has nothing to be wrong about.
  if (run.status !== 0 && !run.stdout.includes("error TS18003")) problems.push(...errors);
  problems.push(...run.stderr.split("\n").filter((line) => line !== ""));
}

const files = sourceFiles(root, [".", "src", "test", "dev", "tools", "drizzle", "bench"]);
for (const path of files) {
  if (!seen.has(path)) problems.push(`${path} types: no tsconfig includes this file`);
}

finish("types", problems, `${files.length} files in ${PROGRAMS.length} programs`);
