/**
 * `npm run services`: starts the local services alone, and writes the `.dev.vars` of a plain `npx
 * wrangler dev`.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startServices } from "./services.ts";
import { readOptions } from "./supervisor/options.ts";
import { assertFree } from "./supervisor/ports.ts";
import { runProgram } from "./supervisor/program.ts";
import { localVariables, writeVariables } from "./supervisor/worker-variables.ts";

const project = fileURLToPath(new URL("..", import.meta.url));

await runProgram("services", async (signal, print) => {
  const { values } = parseArgs({ options: { root: { type: "string" } } });
  const root = values.root ?? project;
  const options = readOptions(process.env);
  await assertFree(options.servicesPort, "SERVICES_PORT");
  const services = await startServices({
    port: options.servicesPort,
    redis: options.redis,
    postgres: options.postgres,
    seed: options.seed,
    keep: options.keep,
    dataDir: join(root, ".strata", `services-${options.servicesPort}`),
    log: print,
    signal,
  });
  const file = join(root, ".dev.vars");
  let written: string | undefined;
  try {
    writeVariables(file, localVariables(services, options.workerVariables));
    written = readFileSync(file, "utf8");
    print(`Services ready on ${services.url}`);
    print(`  variables for npx wrangler dev: ${file}`);
    await Promise.race([
      new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      ),
      services.died.then((reason) => Promise.reject(new Error(`A local service ended: ${reason}`))),
    ]);
  } finally {
    // The file goes: addresses of stopped services would mislead every later `wrangler dev`.
    if (written !== undefined && existsSync(file) && readFileSync(file, "utf8") === written)
      rmSync(file);
    await services.close();
  }
});
