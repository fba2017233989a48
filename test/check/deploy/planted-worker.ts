/** A Worker in a folder of its own, and a program `wrangler` that answers as a test says and records its calls. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const TOOLS = resolve(import.meta.dirname, "../../../tools/deploy");

/** The bindings of the repository's own wrangler.toml. */
const BINDINGS = readFileSync(resolve(import.meta.dirname, "../../../wrangler.toml"), "utf8")
  .replace(/^[\s\S]*?(?=\[assets\])/, "")
  .replace(/\[assets\][\s\S]*?\n\n/, '[assets]\ndirectory = "."\nbinding = "ASSETS"\n\n');

/** The answer of wrangler for a Worker that was never deployed. */
const NOT_FOUND = 'echo "Worker \\"planted\\" not found." >&2; exit 1';

export interface Planted {
  /** The shell text that answers `wrangler secret list`. */
  readonly secretList?: string;
  /** The shell text that answers `wrangler queues info`; `$3` is the name of the queue. */
  readonly queueInfo?: string;
  /** The content of the secrets file. */
  readonly secrets?: string;
  readonly toml?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  /** The calls of wrangler, without the program's name. */
  readonly calls: readonly string[];
}

/** Runs a program of tools/deploy in the folder of a planted Worker. No variable of this shell reaches it. */
export async function run(program: string, planted: Planted): Promise<Outcome> {
  const { secretList = NOT_FOUND, queueInfo = "exit 0", secrets = "", args = [] } = planted;
  const { toml = BINDINGS, env = {} } = planted;
  const root = mkdtempSync(join(tmpdir(), "strata-deploy-"));
  const log = join(root, "calls");
  try {
    writeFileSync(join(root, "w.ts"), "");
    // A line of `toml` before the first table belongs to the Worker itself.
    writeFileSync(join(root, "wrangler.toml"), `name = "planted"\nmain = "w.ts"\n${toml}`);
    writeFileSync(join(root, "secrets.env"), secrets);
    writeFileSync(
      join(root, "wrangler"),
      `#!/bin/sh\necho "$*" >> ${log}\ncase "$1" in\nsecret) ${secretList};;\nqueues) ${queueInfo};;\n*) echo "ran wrangler $*";;\nesac\n`,
    );
    chmodSync(join(root, "wrangler"), 0o755);
    const file = secrets === "" ? [] : ["--secrets-file", "secrets.env"];
    const { PATH = "", HOME = root } = process.env;
    const child = spawn(process.execPath, [join(TOOLS, program), ...file, ...args], {
      cwd: root,
      env: { HOME, ...env, PATH: `${root}:${PATH}` },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const status = await new Promise<number | null>((done) => child.once("close", done));
    const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return { status, output, calls };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
