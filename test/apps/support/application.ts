/** Starts an application, and Strata with that application as its origin. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts, isFree } from "../../dev/support/ports.ts";
import { startProduct, type Product } from "../../e2e/support/product.ts";
import type { Pair } from "./compare.ts";
import { createVisitor, type Visit, type Visitor } from "./visitor.ts";

const HERE = join(import.meta.dirname, "..");
const START_DEADLINE_MS = 60_000;

export interface ApplicationOptions {
  /** The arguments of Node, relative to test/apps. */
  readonly command: readonly string[];
  readonly cwd?: string;
  /** The mode of the proxy. Default that of the product. */
  readonly sharing?: "rfc";
  readonly env?: (product: Product) => Readonly<Record<string, string>>;
}

export interface Application {
  /** The application's own address. */
  readonly direct: string;
  /** Strata's address. */
  readonly proxied: string;
  readonly product: Product;
  stop(): Promise<void>;
}

export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const { sharing } = options;
  const port = await freePorts(1);
  const direct = `http://127.0.0.1:${port}`;
  const product = await startProduct({
    instances: 1,
    env: {
      ORIGIN_URL: direct,
      ORIGIN_AT_ROOT: "1",
      NO_SEED: "1",
      ...(sharing && { ORIGIN_SHARING: sharing }),
    },
  });
  const child = spawn(process.execPath, options.command, {
    cwd: join(HERE, options.cwd ?? "."),
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      NODE_ENV: "production",
      NEXT_TELEMETRY_DISABLED: "1",
      PORT: String(port),
      ...options.env?.(product),
    },
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const stop = async (): Promise<void> => {
    await end(child);
    await product.stop();
  };
  try {
    await untilListening(port, child);
  } catch (error) {
    await stop();
    throw new Error(errors, { cause: error });
  }
  return { direct, proxied: product.urls[0] ?? "", product, stop };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (await isFree(port)) {
    if (child.exitCode !== null) throw new Error(`the application ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error("the application does not listen");
    await pause(50);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** What a visitor does. The same for every visitor, at the application and at Strata. */
export type Script = (visitor: Visitor) => Promise<void>;

/** Of equal length, and in no word of a page. */
const NAMES = ["Adalbert", "Brunhild"] as const;
const TIMES_AT_ONCE = 3;

/** Each visitor runs the script at the application, and then through the proxy. */
export async function visitInTurn(app: Application, script: Script): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const name of NAMES) {
    const direct = await visit(name, app.direct, script);
    pairs.push({ direct, proxied: await visit(name, app.proxied, script) });
  }
  return pairs;
}

/** All visitors run the script at the same time, each several times. */
export function visitAtOnce(app: Application, script: Script): Promise<Pair[]> {
  const names = NAMES.flatMap((name) => Array.from({ length: TIMES_AT_ONCE }, () => name));
  return Promise.all(
    names.map(async (name) => {
      const [direct, proxied] = await Promise.all([
        visit(name, app.direct, script),
        visit(name, app.proxied, script),
      ]);
      return { direct, proxied };
    }),
  );
}

async function visit(name: string, base: string, script: Script): Promise<Visit> {
  const visitor = createVisitor(name, base);
  await script(visitor);
  return visitor;
}
