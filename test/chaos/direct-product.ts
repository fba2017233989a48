import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../dev/bundle.ts";
import { forkServices } from "../../dev/services-process.ts";
import { runCron, startCron } from "../../dev/supervisor/cron.ts";
import { untilHealthy } from "../../dev/supervisor/worker-instance.ts";
import { localVariables } from "../../dev/supervisor/worker-variables.ts";
import {
  cronsOf,
  furtherInstance,
  nameOf,
  readWranglerConfig,
  writeWranglerConfig,
} from "../../dev/supervisor/wrangler-config.ts";
import { createOwnDatabase } from "../../tools/test-services/own-database.ts";
import { freePorts } from "../dev/support/ports.ts";
import { createServices, type LocalServices } from "../e2e/support/services.ts";
import { startInstance, type Instance } from "./instance.ts";
import { runAll, startOrStop, type Stops } from "./steps.ts";

const READY_MS = 60_000;

export interface DirectProductOptions {
  readonly instances: number;
  /** Seconds between two runs of the cron handler. */
  readonly cronSeconds: number;
  /** Folder whose wrangler.toml and Worker run. The local services are those of this repository. */
  readonly root: string;
  /** More variables of the Worker. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Strata with the parts that `npm run dev` starts, and no proxy between its clients and workerd. */
export interface DirectProduct {
  readonly urls: readonly string[];
  readonly adminToken: string;
  readonly services: LocalServices;
  /** Rejects if the process of the services ends before `stop()`. It never resolves. */
  readonly died: Promise<never>;
  /** The first one runs the Durable Objects of all. Each has its own Cache API and queues. */
  readonly instances: readonly Instance[];
  /** Runs the cron handler of the first instance once. Rejects if it fails. */
  runCron(): Promise<void>;
  /** Bundles the Worker of another folder for a restart. The program does nothing else meanwhile. */
  bundle(root: string): string;
  /** Restarts an instance with a bundle; without one, with that of its start. Resolves when it is healthy. */
  restart(instance: number, script?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the local services and the instances, with one bundle. Resolves when all instances are healthy. */
export function startDirectProduct(options: DirectProductOptions): Promise<DirectProduct> {
  return startOrStop((stops) => start(options, stops));
}

async function start(
  { instances: count, cronSeconds, root, variables: given }: DirectProductOptions,
  stops: Stops,
): Promise<DirectProduct> {
  const folder = mkdtempSync(join(tmpdir(), "strata-instances-"));
  stops.add(async () => rmSync(folder, { recursive: true, force: true }));
  let bundles = 0;
  const bundleFile = (from: string): string => {
    bundles += 1;
    const script = join(folder, `worker-${bundles}.js`);
    writeFileSync(script, bundle(join(from, "wrangler.toml"), from));
    return script;
  };
  const script = bundleFile(root);
  const config = await readWranglerConfig(join(root, "wrangler.toml"));

  const database = await createOwnDatabase();
  stops.add(() => database.drop());
  const services = await forkServices(database.postgres);
  stops.add(() => services.close());
  const variables = localVariables(services, given);

  const instances: Instance[] = [];
  stops.add(() => runAll(instances.map((instance) => () => instance.stop())));
  const untilReady = (url: string): Promise<void> =>
    untilHealthy(`${url}/health`, READY_MS, new AbortController().signal);
  const port = await freePorts(count);
  // The first instance runs the Durable Objects. The others look for them when they start.
  for (let at = 0; at < count; at += 1) {
    const further = at === 0 ? undefined : furtherInstance(config, at + 1);
    const own = join(folder, `instance-${at + 1}`);
    const instance = await startInstance({
      config: further === undefined ? config.file : writeWranglerConfig(own, further),
      script,
      name: further?.name ?? nameOf(config),
      port: port + at,
      variables,
      persistTo: join(own, "state"),
      registry: join(folder, "registry"),
    });
    instances.push(instance);
    await untilReady(instance.url);
  }
  const triggers = { url: instances[0]!.triggersUrl, crons: cronsOf(config), log: console.error };
  const stopCron = startCron({ ...triggers, everyMs: cronSeconds * 1_000 });
  stops.add(async () => stopCron());
  return {
    urls: instances.map(({ url }) => url),
    adminToken: variables["ADMIN_TOKEN"] ?? "",
    services: createServices(services.url, () => services.redisToken),
    died: services.died,
    instances,
    async runCron() {
      for (const cron of triggers.crons) {
        const response = await runCron(triggers.url, cron);
        const text = await response.text();
        if (!response.ok) throw new Error(`cron "${cron}" failed: ${response.status}: ${text}`);
      }
    },
    bundle: bundleFile,
    async restart(at, other = script) {
      const instance = instances[at]!;
      await instance.restart(other);
      await untilReady(instance.url);
    },
    stop: () => stops.stop(),
  };
}
