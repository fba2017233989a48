/** `npm run check:size`: what the Worker's bundle weighs, as it would be uploaded. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { finish } from "./report.ts";

/** The ceiling. The platform's own is 3 MB; what starts slowly is felt long before that. */
const LIMIT_GZIP_KIB = 300;

/** The part of esbuild's description of a bundle that is read here. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }
    >
  >;
}

/** The packages, and the rooms of src, that weigh most before compression. */
function heaviest(metafile: Metafile, count: number): string {
  const bytes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name =
        /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/u.exec(file)?.[1] ??
        file.split("/").slice(0, 2).join("/");
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...bytes]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, size]) => `${name} ${kib(size)}`)
    .join(", ");
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

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
    finish("size", heavy ? [`Worker bundle size: ${figure}`, most] : [], `${figure}; ${most}`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
