/** `npm run prepare`, which `npm ci` runs: writes the modules that wrangler.toml's aliases name. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { neonOverHttp } from "./neon.ts";

/** Paths in it are like those of the packages, so that a report of sizes names the packages. */
const FOLDER = "node_modules/.strata/node_modules";

function write(file: string, text: string): void {
  mkdirSync(dirname(join(FOLDER, file)), { recursive: true });
  writeFileSync(join(FOLDER, file), text);
}

write("@neondatabase/serverless/index.mjs", neonOverHttp());
