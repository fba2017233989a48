/**
 * Counts the source files that one memory hit of `GET /products/42` enters: files of `src` with a
 * function that runs between the request and its response. `CHECKOUT=<folder>` counts another
 * checkout of this repository in the same way.
 */
import {
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { bundle } from "../dev/bundle.ts";
import { startServices } from "../dev/services.ts";
import { show } from "./support/report.ts";
import { startDataCentre } from "./tiers/runtime.ts";

const ROOT = resolve(import.meta.dirname, "..");
const PATH = "/products/42";
/** A file counts if every one of these hits entered it: work in the background enters others. */
const HITS = 5;

/** Notes the file at the start of every function of the source. */
function instrument(file: string, source: string): string {
  const note = `(globalThis.__entered ??= new Set()).add(${JSON.stringify(file)})`;
  const inserts: { readonly at: number; readonly text: string }[] = [];
  const enter = (body: { type: string; start: number; end: number } | null): void => {
    if (body === null) return;
    if (body.type === "BlockStatement" || body.type === "FunctionBody")
      inserts.push({ at: body.start + 1, text: `${note};` });
    else inserts.push({ at: body.start, text: `(${note},` }, { at: body.end, text: ")" });
  };
  new Visitor({
    FunctionDeclaration: (node) => enter(node.body),
    FunctionExpression: (node) => enter(node.body),
    ArrowFunctionExpression(node) {
      // `=> ({ … })`: the parentheses are not part of the expression.
      const before = source.slice(0, node.body.start).trimEnd();
      if (node.body.type !== "BlockStatement" && before.endsWith("(")) {
        inserts.push({ at: before.length, text: `${note},` });
      } else enter(node.body);
    },
  }).visit(parseSync(file, source).program);
  return inserts
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, text: more }) => text.slice(0, at) + more + text.slice(at), source);
}

const MAIN = `
import worker from "./src/worker.ts";
export * from "./src/worker.ts";
export default {
  async fetch(request, env, ctx) {
    globalThis.__entered?.clear();
    const response = await worker.fetch(request, env, ctx);
    const files = [...(globalThis.__entered ?? [])];
    const headers = new Headers(response.headers);
    headers.set("x-entered", files.join(","));
    return new Response(response.body, { status: response.status, headers });
  },
};`;

const checkout = resolve(process.env["CHECKOUT"] ?? ROOT);
const folder = mkdtempSync(join(tmpdir(), "strata-hit-path-"));
const services = await startServices({ redis: "embedded" });
try {
  cpSync(join(checkout, "src"), join(folder, "src"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const file of globSync("src/**/*.ts", { cwd: folder })) {
    const path = join(folder, file);
    if (!file.endsWith(".d.ts")) writeFileSync(path, instrument(file, readFileSync(path, "utf8")));
  }
  writeFileSync(join(folder, "worker.ts"), MAIN);
  const config = readFileSync(join(checkout, "wrangler.toml"), "utf8");
  writeFileSync(
    join(folder, "wrangler.toml"),
    config.replace('main = "src/worker.ts"', 'main = "worker.ts"'),
  );
  const script = bundle(join(folder, "wrangler.toml"));
  const centre = await startDataCentre(script, {
    isolates: 1,
    objects: true,
    bindings: {
      DATABASE_URL: services.databaseUrl,
      NEON_ENDPOINT: services.sqlEndpoint,
      UPSTASH_REDIS_REST_URL: services.redisUrl,
      UPSTASH_REDIS_REST_TOKEN: services.redisToken,
      OTEL_TRACES_SAMPLER: "always_off",
    },
  });
  const ask = async (): Promise<Headers> => {
    const response = await fetch(`${centre.urls[0]}${PATH}`, {
      headers: { "CF-Connecting-IP": "192.0.2.7" },
    });
    await response.arrayBuffer();
    return response.headers;
  };
  try {
    for (let warm = 0; warm < 10; warm++) await ask();
    let files: readonly string[] | undefined;
    for (let hit = 0; hit < HITS; hit++) {
      const headers = await ask();
      if (headers.get("X-Cache-Status") !== "HIT") throw new Error("the request was no hit");
      const entered = (headers.get("x-entered") ?? "").split(",");
      files = files?.filter((file) => entered.includes(file)) ?? entered;
    }
    const rooms = Map.groupBy(files ?? [], (file) => file.split("/")[1] ?? "");
    show(
      `Files entered by a memory hit of GET ${PATH}: ${files?.length}`,
      [...rooms].map(([room, list]) => ({
        room,
        files: list.length,
        which: list.map((file) => file.split("/").slice(2).join("/")).join(", "),
      })),
    );
  } finally {
    await centre.close();
  }
} finally {
  await services.close();
  rmSync(folder, { recursive: true, force: true });
}
