/**
 * Runs instances of the Worker in workerd, without the proxies of `wrangler dev`, which take 20 times the processor
 * time of a hit. Each has a workerd of its own, and a process that starts it.
 */
import { fork } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { endForked } from "../../dev/forked-process.ts";
import { writeVariables } from "../../dev/supervisor/worker-variables.ts";
import { runtimesUnder } from "../e2e/support/processes.ts";

export interface InstanceOptions {
  /** The configuration of wrangler, whose bindings and queues the instance gets. */
  readonly config: string;
  /** The file of the bundled Worker. */
  readonly script: string;
  /** The name under which other instances find the Durable Objects of this one. */
  readonly name: string;
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Folder for the Cache API, the queues and the storage of the Durable Objects. */
  readonly persistTo: string;
  /** Folder in which the instances find each other. */
  readonly registry: string;
}

export interface Instance {
  /** The workerd's own socket. */
  readonly url: string;
  /** The address that fires the handlers of triggers, as `wrangler dev` does. */
  readonly triggersUrl: string;
  /** The ids of its workerd. Throws if none runs. */
  runtime(): readonly number[];
  /** Starts workerd again with another bundle, on the same port. Meanwhile the port refuses connections. */
  restart(script: string): Promise<void>;
  /** Resolves when all its processes have ended. */
  stop(): Promise<void>;
}

/** The characters of its output that an error shows. */
const KEPT_OUTPUT = 5_000;

export async function startInstance(options: InstanceOptions): Promise<Instance> {
  // Its own process group, so that a Ctrl-C reaches the driver alone. It ends when the driver disconnects, or is gone.
  const child = fork(import.meta.filename, { silent: true, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on(
      "data",
      (chunk: Buffer) => (output = (output + chunk.toString()).slice(-KEPT_OUTPUT)),
    );
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(String(code ?? signal)));
    // A process that has no id has not started, and has no exit. Node ends the driver for an error without a listener.
    child.on("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
  const start = async (order: InstanceOptions): Promise<Ready> => {
    const gone = ended.then((how) => {
      throw new Error(`${order.name} ended with ${how}:\n${output}`);
    });
    if (!child.connected) return gone;
    const ready = new Promise<Ready>((resolve) =>
      child.once("message", (message) => resolve(message as Ready)),
    );
    child.send(order);
    return Promise.race([ready, gone]);
  };
  const { triggersUrl } = await start(options);
  return {
    url: `http://127.0.0.1:${options.port}`,
    triggersUrl,
    runtime() {
      const found = child.pid === undefined ? [] : runtimesUnder([child.pid]);
      if (found.length === 0) throw new Error(`${options.name} has no process of workerd`);
      return found;
    },
    restart: async (script) => void (await start({ ...options, script })),
    stop: () => endForked(child, ended),
  };
}

/** The answer of the process after each start of its workerd. */
interface Ready {
  readonly triggersUrl: string;
}

if (import.meta.main) await runInstance();

/** Starts workerd with each order that comes. Ends when the driver disconnects. */
async function runInstance(): Promise<void> {
  const { Miniflare, convertV4MiniflareOptions } = await import("miniflare");
  const { unstable_getMiniflareWorkerOptions: optionsOf } = await import("wrangler");
  let runtime: InstanceType<typeof Miniflare> | undefined;

  const start = async (order: InstanceOptions): Promise<Ready> => {
    // Without a file, wrangler would read the .dev.vars of a developer beside the configuration.
    mkdirSync(order.persistTo, { recursive: true });
    const file = `${order.persistTo}.env`;
    writeVariables(file, order.variables);
    // The types of wrangler do not have `envFiles`.
    const reading = { overrides: {}, envFiles: [file] };
    const { workerOptions } = optionsOf(order.config, undefined, reading);
    const { modulesRules: _bundled, ...worker } = workerOptions;
    const options = convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      // Miniflare would download the members of request.cf. A client sends its own, in MF-CF-Blob.
      cf: false,
      unsafeTriggerHandlers: true,
      unsafeDevRegistryPath: order.registry,
      resourcePersistencePath: order.persistTo,
      workers: [
        {
          ...worker,
          name: order.name,
          modules: true,
          script: readFileSync(order.script, "utf8"),
          unsafeDirectSockets: [{ host: "127.0.0.1", port: order.port }],
        },
      ],
    });
    if (runtime === undefined) runtime = new Miniflare(options);
    else await runtime.setOptions(options);
    return { triggersUrl: (await runtime.ready).origin };
  };

  process.on("message", (order) => {
    void start(order as InstanceOptions).then((ready) => process.send?.(ready));
  });
  process.once("disconnect", () => {
    void Promise.resolve(runtime?.dispose()).finally(() => process.exit());
  });
}
