import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Services } from "../services.ts";
import { addressLines } from "./address-lines.ts";
import { startCron } from "./cron.ts";
import type { SupervisorOptions } from "./options.ts";
import { assertFree, PortInUse } from "./ports.ts";
import { keepInstance, type KeptInstance } from "./kept-instance.ts";
import { localVariables, writeVariables } from "./worker-variables.ts";
import {
  cronsOf,
  furtherInstance,
  nameOf,
  readWranglerConfig,
  writeWranglerConfig,
} from "./wrangler-config.ts";

export interface SuperviseOptions extends SupervisorOptions {
  /** Folder that contains `.strata`, and the Workers' working directory. */
  readonly root: string;
  /** Path of the wrangler configuration of the first instance. */
  readonly config: string;
  readonly print: (line: string) => void;
  /** Stops everything at any time. */
  readonly signal: AbortSignal;
}

/**
 * Runs local services, migration, seed, Worker instances and cron until `signal` aborts. An instance
 * that dies is started again. Resolves after an abort, and rejects if a part fails. Both leave no process
 * running.
 */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  try {
    await run(options, stops, (reason) => failure.abort(reason), signal);
    await aborted(signal);
    signal.throwIfAborted();
  } catch (error) {
    if (!options.signal.aborted) throw failure.signal.aborted ? failure.signal.reason : error;
  } finally {
    // Stops the Workers before the services that they use.
    for (const stop of stops.toReversed()) await stop();
  }
}

async function run(
  options: SuperviseOptions,
  stops: (() => Promise<void>)[],
  fail: (reason: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  const { port, instances, servicesPort, keep, print } = options;
  await assertFree(servicesPort, "SERVICES_PORT");
  for (let index = 0; index < instances; index += 1) {
    await assertFree(
      port + index,
      index === 0 ? "PORT" : `PORT (instance ${index + 1} of INSTANCES)`,
    );
  }
  const state = join(options.root, ".strata", String(port));
  if (!keep) rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });
  // This start would otherwise find the entries of instances that were killed.
  rmSync(join(state, "registry"), { recursive: true, force: true });

  const config = await readWranglerConfig(options.config);
  const services = await startLocalServices(options, state, signal);
  stops.push(() => services.close());
  void services.died.then((reason) => fail(new Error(`A local service ended: ${reason}`)));

  const variables = localVariables(services, options.workerVariables);
  const variablesFile = join(state, "variables.env");
  writeVariables(variablesFile, variables);

  const urls = Array.from({ length: instances }, (_, index) => `http://127.0.0.1:${port + index}`);
  // With an origin at the root, every other path belongs to the origin.
  const originAtRoot = variables["ORIGIN_AT_ROOT"] === "1";
  const healthPath = originAtRoot ? "/__strata/health" : "/health";
  const kept: KeptInstance[] = [];
  stops.push(async () => void (await Promise.all(kept.map((instance) => instance.stop()))));
  const startInstance = async (index: number): Promise<void> => {
    const folder = join(state, `instance-${index + 1}`);
    const further = index === 0 ? undefined : furtherInstance(config, index + 1);
    const instance = keepInstance({
      name: `Worker instance ${index + 1}`,
      worker: further?.name ?? nameOf(config),
      healthUrl: `${urls[index]!}${healthPath}`,
      config: further === undefined ? config.file : writeWranglerConfig(folder, further),
      port: port + index,
      variables: variablesFile,
      persistTo: join(folder, "state"),
      registry: join(state, "registry"),
      cwd: options.root,
      onLine: (line) => print(instances === 1 ? line : `[${index + 1}] ${line}`),
      print,
      fail,
      signal,
    });
    kept.push(instance);
    await instance.ready;
  };
  // The first instance runs the Durable Objects. The others look for them when they start.
  await startInstance(0);
  await Promise.all(urls.slice(1).map((_url, rest) => startInstance(rest + 1)));

  const stopCron = startCron({
    url: urls[0]!,
    crons: cronsOf(config),
    everyMs: options.cronSeconds * 1_000,
    log: print,
  });
  stops.push(async () => stopCron());
  const madeToken =
    options.workerVariables["ADMIN_TOKEN"] === undefined ? variables["ADMIN_TOKEN"] : undefined;
  // One write, so that a program that waits for the first line also gets the others.
  print(addressLines({ urls, servicesUrl: services.url, originAtRoot, madeToken }).join("\n"));
}

async function startLocalServices(
  options: SuperviseOptions,
  state: string,
  signal: AbortSignal,
): Promise<Services> {
  // Loads the services only now, so that a port in use is reported at once and a signal takes
  // effect at once.
  const { startServices } = await import("../services.ts");
  signal.throwIfAborted();
  try {
    return await startServices({
      port: options.servicesPort,
      redis: options.redis,
      postgres: options.postgres,
      seed: options.seed,
      keep: options.keep,
      dataDir: state,
      log: options.print,
      signal,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE")
      throw new PortInUse(options.servicesPort, "SERVICES_PORT");
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
