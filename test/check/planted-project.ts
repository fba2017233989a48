import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const REPOSITORY = resolve(import.meta.dirname, "../..");

/** The files that configure the gates, to be copied into a project elsewhere. */
const TOOLCHAIN = [
  ".oxfmtrc.jsonc",
  ".oxlintrc.jsonc",
  "knip.jsonc",
  "tools/check",
  "tools/package/entries.ts",
  "tools/reference",
  "tools/tsconfig.json",
  "tsconfig.base.json",
  "tsconfig.json",
  "tsconfig.node.json",
  "dev/tsconfig.json",
  "test/tsconfig.json",
];

/** A Worker that every gate accepts. */
const SOUND: Readonly<Record<string, string>> = {
  "wrangler.toml": 'name = "planted"\nmain = "src/worker.ts"\ncompatibility_date = "2026-11-02"\n',
  "src/core/double.ts":
    "/** Twice the number. */\nexport function double(n: number): number {\n  return n * 2;\n}\n",
  "src/index.ts": 'export { double } from "./core/double.ts";\n',
  "src/worker.ts": `import { double } from "./index.ts";

export default {
  async fetch(): Promise<Response> {
    return new Response(String(double(Date.now())));
  },
};
`,
};

/** Returns the manifest of the repository, with only the dependencies that the gates need. */
export function manifestOf(dependencies: Readonly<Record<string, string>>) {
  const own = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const gates = Object.entries(own.scripts).filter(
    ([name]) => name.startsWith("check") || name === "reference" || name === "prepare",
  );
  const tools = [
    "@cloudflare/workers-types",
    "@types/node",
    "esbuild",
    "knip",
    "oxc-parser",
    "oxfmt",
  ];
  tools.push("oxlint", "oxlint-tsgolint", "swagger-ui-dist", "typescript", "wrangler");
  return {
    name: "planted",
    private: true,
    type: "module",
    scripts: Object.fromEntries(gates) as Record<string, string>,
    dependencies,
    devDependencies: Object.fromEntries(tools.map((tool) => [tool, own.devDependencies[tool]])),
  };
}

/** The result of a gate and everything that it printed. */
export interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

/** A sound project in its own folder, with planted files. */
export interface Planted extends Disposable {
  /** Runs one script of package.json, such as "check:lint", as npm would. */
  run(gate: string): Outcome;
  /** The text of a file in it. */
  read(path: string): string;
}

/**
 * Copies the toolchain beside a sound Worker and plants files in it.
 *
 * @param files contents by path; a file replaces the sound one of the same path
 * @param dependencies versions by name, for package.json
 */
export function plant(
  files: Readonly<Record<string, string>> = {},
  dependencies: Readonly<Record<string, string>> = {},
): Planted {
  const root = mkdtempSync(join(tmpdir(), "strata-planted-"));
  const own = manifestOf(dependencies);
  for (const path of TOOLCHAIN) {
    cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  const all = {
    "package.json": `${JSON.stringify(own, undefined, 2)}\n`,
    ...SOUND,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return {
    run(gate) {
      const script = own.scripts[gate];
      if (script === undefined) throw new Error(`package.json has no script ${gate}`);
      const { status, stdout, stderr, error } = spawnSync("sh", ["-c", script], {
        cwd: root,
        encoding: "utf8",
        env: {
          ...process.env,
          PATH: `${join(REPOSITORY, "node_modules/.bin")}:${process.env["PATH"]}`,
        },
      });
      if (error !== undefined) throw error;
      return { passed: status === 0, output: stdout + stderr };
    },
    read: (path) => readFileSync(join(root, path), "utf8"),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
