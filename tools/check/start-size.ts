/** Measures the part of the Worker that an isolate evaluates before its first request. */
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { packageOfFile } from "./package-of-file.ts";

/**
 * The packages that the Worker evaluates at their first use, because a hit does not need them. They
 * may be imported only by modules that `import()` loads.
 */
const LATE = [
  "@neondatabase/serverless",
  "@opentelemetry/otlp-transformer",
  "@opentelemetry/sdk-metrics",
  "@upstash/ratelimit",
] as const;

export interface StartSize {
  /** The modules that the main module imports statically, minified, each chunk gzipped. */
  readonly gzip: number;
  /** The packages of `LATE` that are among these modules. */
  readonly early: readonly string[];
}

/** Bundles the Worker into chunks, and adds up those that its main module imports statically. */
export async function measureStart(root: string, main: string): Promise<StartSize> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main },
    outdir: "start",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", "node:*"],
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const chunks = new Set<string>();
  const packages = new Set<string>();
  const visit = (chunk: string): void => {
    const output = metafile.outputs[chunk];
    if (output === undefined || chunks.has(chunk)) return;
    chunks.add(chunk);
    for (const file of Object.keys(output.inputs)) packages.add(packageOfFile(file) ?? "");
    for (const { kind, path } of output.imports) if (kind === "import-statement") visit(path);
  };
  visit("start/main.js");
  const gzip = outputFiles
    .filter(({ path }) => [...chunks].some((chunk) => path.endsWith(chunk)))
    .reduce((sum, { contents }) => sum + gzipSync(contents).byteLength, 0);
  return { gzip, early: LATE.filter((name) => packages.has(name)) };
}
