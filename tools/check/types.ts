/** `npm run check:types`: every program of the repository, and every file in the one nearest to it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path/posix";
import { filesOf } from "./files.ts";
import { finish } from "./report.ts";

const root = process.cwd();
/** The configuration files in the root run in Node and lie beside the Worker's tsconfig.json. */
const ROOT_FILES = "tsconfig.node.json";

interface Program {
  readonly files: ReadonlySet<string>;
  readonly errors: readonly string[];
}

function compile(tsconfig: string): Program {
  const run = spawnSync("tsc", ["--project", tsconfig, "--listFiles", "--pretty", "false"], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.error !== undefined) throw run.error;
  // The files of the program are printed as absolute paths, after its errors.
  const lines = `${run.stdout}${run.stderr}`.split("\n").filter((line) => line !== "");
  const files = lines.filter((line) => line.startsWith("/"));
  const errors: string[] = [];
  for (const line of lines) {
    if (line.startsWith(" ")) errors.push(`${errors.pop() ?? ""}\n${line}`);
    else if (!line.startsWith("/")) errors.push(line);
  }
  const empty = errors.some((line) => line.includes("error TS18003"));
  if (run.status !== 0 && errors.length === 0) errors.push(`${tsconfig}: tsc failed`);
  return {
    files: new Set(files.map((file) => relative(root, file))),
    // A folder without a file has nothing to be wrong about.
    errors: empty ? [] : errors,
  };
}

/** The tsconfig that editors and the type-aware linter choose for a file. */
function nearest(path: string): string {
  const folder = dirname(path);
  if (folder === ".") return ROOT_FILES;
  const candidate = join(folder, "tsconfig.json");
  if (existsSync(join(root, candidate))) return candidate;
  return folder.includes("/") ? nearest(folder) : "tsconfig.json";
}

const programs = new Map(
  [...filesOf(root, ["**/tsconfig.json"]), ROOT_FILES].map((path) => [path, compile(path)]),
);
// A file that several programs share is reported once.
const problems = new Set([...programs.values()].flatMap(({ errors }) => errors));

const files = filesOf(root, ["**/*.ts"]);
for (const path of files) {
  const tsconfig = nearest(path);
  if (programs.get(tsconfig)?.files.has(path) !== true) {
    problems.add(`${path} types: ${tsconfig} does not include this file`);
  }
}

finish("types", [...problems], `${files.length} files in ${programs.size} programs`);
