/** `npm run check:size`: measures the Worker's bundle as it would be uploaded, and the entry `strata` of the package. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { measure } from "./entry-size.ts";
import { packageOfFile } from "./package-of-file.ts";
import { finish } from "./report.ts";
import { measureStart } from "./start-size.ts";

/**
 * The limit in KiB. The platform's limit is 3 MB, but a large bundle slows the start of an isolate
 * long before.
 */
const LIMIT_GZIP_KIB = 284;

/** The main module, and the limit in KiB of the modules that an isolate evaluates before its first request. */
const MAIN = "src/worker.ts";
const LIMIT_START_KIB = 239;

/** The entry that every application of the package imports, and its limit in bytes: minified, gzipped. */
const ENTRY = "src/entries/data.ts";
const LIMIT_ENTRY_BYTES = 25_088;

/** The part of esbuild's description of a bundle that this gate reads. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }
    >
  >;
}

/** Lists the packages and rooms of src that are largest before compression. */
function heaviest(metafile: Metafile, count: number): string {
  const bytes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOfFile(file) ?? file.split("/").slice(0, 2).join("/");
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...bytes]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, size]) => `${name} ${kib(size)}`)
    .join(", ");
}

async function measureEarly(): Promise<{ figure: string; problems: readonly string[] }> {
  const { gzip, early } = await measureStart(process.cwd(), MAIN);
  const figure = `evaluated at start: ${kib(gzip)} gzipped, of ${LIMIT_START_KIB} KiB allowed`;
  const problems = early.map(
    (name) => `size: ${name} is evaluated at start. Load the module that imports it with import()`,
  );
  if (gzip > LIMIT_START_KIB * 1024) problems.push(`size: ${figure}`);
  return { figure: `; ${figure}`, problems };
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

async function measureEntry(): Promise<{ figure: string; problems: readonly string[] }> {
  if (!existsSync(ENTRY)) return { figure: "", problems: [] };
  const { gzip } = await measure(process.cwd(), [ENTRY], "external");
  const figure = `entry strata: ${gzip} bytes gzipped, of ${LIMIT_ENTRY_BYTES} allowed`;
  return { figure: `; ${figure}`, problems: gzip > LIMIT_ENTRY_BYTES ? [`size: ${figure}`] : [] };
}

const out = mkdtempSync(join(tmpdir(), "strata-size-"));
try {
  const run = spawnSync("wrangler", ["deploy", "--dry-run", "--metafile", "--outdir", out], {
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: out, CI: "1" },
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) {
    finish("size", [`${run.stdout}${run.stderr}size: the Worker does not bundle`], "");
  } else {
    const modules = globSync("**/*.{js,mjs,wasm,txt,bin,html}", { cwd: out });
    const bodies = modules.map((module) => readFileSync(join(out, module)));
    const raw = bodies.reduce((sum, body) => sum + body.byteLength, 0);
    const gzip = bodies.reduce((sum, body) => sum + gzipSync(body).byteLength, 0);
    const figure = `${kib(gzip)} gzipped, ${kib(raw)} raw, of ${LIMIT_GZIP_KIB} KiB gzipped allowed`;
    const metafile = JSON.parse(readFileSync(join(out, "bundle-meta.json"), "utf8")) as Metafile;
    const most = `heaviest, raw: ${heaviest(metafile, 5)}`;
    const heavy = bodies.length === 0 || gzip > LIMIT_GZIP_KIB * 1024;
    const parts = [await measureEarly(), await measureEntry()];
    const problems = [
      ...(heavy ? [`Worker bundle size: ${figure}`, most] : []),
      ...parts.flatMap((part) => part.problems),
    ];
    finish("size", problems, [figure, `; ${most}`, ...parts.map((part) => part.figure)].join(""));
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
