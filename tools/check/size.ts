/** `npm run check:size`: what the Worker's bundle weighs, as it would be uploaded. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { finish } from "./report.ts";

/** The ceiling. The platform's own is 3 MB; what starts slowly is felt long before that. */
const LIMIT_GZIP_KIB = 300;

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

const out = mkdtempSync(join(tmpdir(), "strata-size-"));
try {
  const run = spawnSync("wrangler", ["deploy", "--dry-run", "--outdir", out], {
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
    const heavy = bodies.length === 0 || gzip > LIMIT_GZIP_KIB * 1024;
    finish("size", heavy ? [`Worker bundle size: ${figure}`] : [], figure);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
