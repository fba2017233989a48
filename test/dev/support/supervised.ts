import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "./ports.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FIXTURE = join(ROOT, "test/dev/fixtures/worker/wrangler.toml");

export interface Process {
  readonly pid: number;
  readonly command: string;
}

export interface Supervised {
  readonly port: number;
  readonly servicesPort: number;
  /** The folder that contains `.strata`. */
  readonly root: string;
  readonly pid: number;
  output(): string;
  /** Resolves when the program has printed a text. Rejects if it ends before. */
  printed(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly exit: Promise<number | null>;
  /** Returns the running processes that the program started, directly or not. */
  processes(): readonly Process[];
  /** Ends the program in any state, for `afterEach`. */
  dispose(): Promise<void>;
}

export interface SupervisedOptions {
  readonly script?: string;
  /**
   * Starts the program through npm, as users do. Signals then go to npm alone, as from a program
   * that started it.
   */
  readonly throughNpm?: boolean;
  readonly args?: readonly string[];
  readonly port?: number;
  readonly servicesPort?: number;
  readonly root?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the program of `npm run dev` over the fixture Worker, with a mark that all its processes
 * inherit.
 */
export async function supervised(options: SupervisedOptions = {}): Promise<Supervised> {
  // Ports for Worker instances, and one for the services behind them.
  const free = await freePorts(4);
  const port = options.port ?? free;
  const servicesPort = options.servicesPort ?? free + 3;
  const root = options.root ?? mkdtempSync(join(tmpdir(), "strata-dev-"));
  const mark = `SUPERVISED_BY_TEST=${randomUUID()}`;
  const [name = "", value = ""] = mark.split("=");
  const args = options.args ?? ["--config", FIXTURE, "--root", root];
  const command = options.throughNpm
    ? ["npm", "run", "dev", "--", ...args]
    : [process.execPath, join(ROOT, options.script ?? "dev/main.ts"), ...args];
  const child = spawn(command[0]!, command.slice(1), {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      PORT: String(port),
      SERVICES_PORT: String(servicesPort),
      NO_SEED: "1",
      LOCAL_REDIS: "embedded",
      [name]: value,
      ...options.env,
    },
  });
  let output = "";
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const check of waiting) check();
    });
  }
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  const seen = new Set<number>();
  // Finds processes by mark and by descent: a Redis server overwrites its environment, and an
  // orphan has no parent.
  const processes = (): Process[] => {
    const all = listProcesses();
    for (const { pid, ppid, text } of all) {
      if (pid !== child.pid && (text.includes(mark) || ppid === child.pid || seen.has(ppid)))
        seen.add(pid);
    }
    return all.filter(({ pid }) => seen.has(pid)).map(({ pid, text }) => ({ pid, command: text }));
  };
  return {
    port,
    servicesPort,
    root,
    pid: child.pid!,
    output: () => output,
    printed(text) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (!output.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
        void exit.then((code) =>
          reject(new Error(`ended with ${code} before it printed "${text}":\n${output}`)),
        );
      });
    },
    signal: (signal) => void child.kill(signal),
    exit,
    processes,
    async dispose() {
      child.kill("SIGKILL");
      await exit;
      for (const { pid } of processes()) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // The process ended by itself in the meantime.
        }
      }
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Lists every process with its environment, by `ps`, which can show it on Linux and macOS. */
function listProcesses(): { pid: number; ppid: number; text: string }[] {
  const options = process.platform === "darwin" ? ["-axEww"] : ["axeww"];
  return execFileSync("ps", [...options, "-o", "pid=,ppid=,stat=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .filter(([, , , stat = ""]) => !stat.startsWith("Z"))
    .map(([, pid, ppid, , text = ""]) => ({ pid: Number(pid), ppid: Number(ppid), text }));
}

/** Lists the arguments of every process, as every user of the machine can read them. */
export function processList(): string {
  return execFileSync("ps", ["axww", "-o", "args="], { encoding: "utf8" });
}
