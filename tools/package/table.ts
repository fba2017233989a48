/**
 * `npm run entries`: prints the table of docs/package.md: the size of each entry and the processor time
 * that its modules take when they are evaluated.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { entriesOf } from "./entries.ts";
import { measure } from "../check/entry-size.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const RUNS = 15;
const PLATFORM = /^(?:cloudflare|node):/u;

/** Stands for the modules of workerd, which Node does not have. */
const WORKERD = `export class DurableObject {}; export class RpcTarget {}; export const env = {};
export const waitUntil = () => undefined;`;

/** Evaluates a bundle in new processes of Node. Returns the median processor time in milliseconds. */
async function startUp(source: string, folder: string): Promise<number> {
  const bundle = join(folder, "bundle.mjs");
  await build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile: bundle,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    alias: { "cloudflare:workers": join(folder, "workerd.mjs") },
    logLevel: "error",
  });
  // Node loads its web APIs at their first use. They are part of workerd, so their time does not count.
  const program = `void [fetch, Request, Response, Headers, FormData, WebSocket, CompressionStream, crypto.subtle];
await import("node:async_hooks");
const before = process.cpuUsage();
await import(${JSON.stringify(bundle)});
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000);`;
  const times = Array.from({ length: RUNS }, () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    if (stderr !== "") throw new Error(stderr);
    return Number(stdout);
  });
  return times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}

const bytes = (count: number): string => count.toLocaleString("en-US");

const folder = mkdtempSync(join(tmpdir(), "strata-entries-"));
try {
  writeFileSync(join(folder, "workerd.mjs"), WORKERD);
  console.log("| entry | own code | with packages | start, ms | packages |");
  console.log("|---|--:|--:|--:|---|");
  for (const { name, source } of entriesOf(ROOT)) {
    const own = await measure(ROOT, [source], "external");
    const all = await measure(ROOT, [source], "bundle");
    const packages = own.imports
      .filter((path) => !PLATFORM.test(path))
      .map((path) => `\`${path}\``);
    const start = (await startUp(source, folder)).toFixed(1);
    console.log(
      `| \`${name}\` | ${bytes(own.gzip)} | ${bytes(all.gzip)} | ${start} | ${packages.join(", ") || "none"} |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
