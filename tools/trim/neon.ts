/** The driver of Postgres without what only its WebSocket connections use. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { markPure } from "./pure.ts";

/** The version whose text was read. The driver is one file, with a client of Postgres inside. */
const VERSION = "1.2.0";
/** The function in it that gives functions their names. */
const NAMING = 'a=(r,e)=>Ie(r,"name",{value:e,configurable:!0})';

/**
 * Returns the driver's module with the same exports. Bundlers keep all of the original, because its
 * top-level code calls functions.
 *
 * @throws if the installed version is another one
 */
export function neonOverHttp(): string {
  const require = createRequire(import.meta.url);
  const file = require.resolve("@neondatabase/serverless").replace(/index\.js$/u, "index.mjs");
  const manifest = readFileSync(file.replace(/index\.mjs$/u, "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  const source = readFileSync(file, "utf8");
  if (version !== VERSION || !source.includes(NAMING))
    throw new Error(
      `tools/trim/neon.ts knows version ${VERSION} of @neondatabase/serverless, not ${version}`,
    );
  return markPure(source, "a");
}
