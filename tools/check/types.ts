/**
 * `npm run check:types`: compiles every program of the repository, and requires that the nearest
 * program includes each file.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path/posix";
import { filesOf } from "./files.ts";
import { finish } from "./report.ts";

const root = process.cwd();
/**
 * The program of the configuration files in the root, which run in Node beside the Worker's
 * tsconfig.json.
 */
const ROOT_FILES = "tsconfig.node.json";

/** Applications that install the packed package: test/package compiles them with it. */
const APPLICATIONS = ["examples/", "template/"];

const isOwn = (path: string): boolean => !APPLICATIONS.some((folder) => path.startsWith(folder));

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
  // tsc prints the files of the program as absolute paths, after the errors.
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
    // A program without files has no errors.
    errors: empty ? [] : errors,
  };
}

/** Returns the tsconfig that editors and the type-aware linter use for a file. */
function nearest(path: string): string {
  const folder = dirname(path);
  if (folder === ".") return ROOT_FILES;
  const candidate = join(folder, "tsconfig.json");
  if (existsSync(join(root, candidate))) return candidate;
  return folder.includes("/") ? nearest(folder) : "tsconfig.json";
}

const programs = new Map(
  [...filesOf(root, ["**/tsconfig.json"]).filter(isOwn), ROOT_FILES].map((path) => [
    path,
    compile(path),
  ]),
);
// Reports a file of several programs once.
const problems = new Set([...programs.values()].flatMap(({ errors }) => errors));

const files = filesOf(root, ["**/*.ts"]).filter(isOwn);
for (const path of files) {
  const tsconfig = nearest(path);
  if (programs.get(tsconfig)?.files.has(path) !== true) {
    problems.add(`${path} types: ${tsconfig} does not include this file`);
  }
}

finish("types", [...problems], `${files.length} files in ${programs.size} programs`);
