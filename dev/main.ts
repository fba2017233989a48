/**
 * `npm run dev`: runs local services, migration, seed and Workers. supervisor/options.ts lists its
 * variables.
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readOptions } from "./supervisor/options.ts";
import { runProgram } from "./supervisor/program.ts";
import { supervise } from "./supervisor/supervisor.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

await runProgram("dev", async (signal, print) => {
  const { values } = parseArgs({
    options: { config: { type: "string" }, root: { type: "string" } },
  });
  await supervise({
    ...readOptions(process.env),
    root: values.root ?? root,
    config: values.config ?? join(root, "wrangler.toml"),
    print,
    signal,
  });
});
