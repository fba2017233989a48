/**
 * `npm run newcomer`: takes the path of a new user with the packed package, from an empty folder to the
 * first hit of a route of their own, and prints each step with its time. It needs no account.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { install, pack } from "./pack.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const WORKER = `import { createStrata, definePolicy, key } from "strata";

const strata = createStrata({ namespace: "shop" });
const greeting = definePolicy({ freshFor: "5m" });

export default {
  async fetch(request, env, ctx) {
    const name = new URL(request.url).pathname.slice(1);
    const load = async () => "Hello, " + name;
    const { value, status } = await strata.open(ctx).read(key("greeting", name), greeting, load);
    return new Response(value, { headers: { "X-Cache-Status": status } });
  },
};
`;
const CONFIG = `name = "first"
main = "index.js"
compatibility_date = "2026-11-02"
compatibility_flags = ["nodejs_als"]
`;

const parent = mkdtempSync(join(tmpdir(), "strata-newcomer-"));
let began = performance.now();

function say(step: string): void {
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${step}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Asks until the Worker answers. */
async function ask(url: string): Promise<string> {
  for (;;) {
    try {
      const response = await fetch(url);
      return `${response.status} X-Cache-Status: ${response.headers.get("X-Cache-Status")}  ${await response.text()}`;
    } catch (error) {
      if (wrangler.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const tarball = pack(parent);
began = performance.now();
const folder = mkdtempSync(join(parent, "first-"));
writeFileSync(
  join(folder, "package.json"),
  JSON.stringify({
    private: true,
    type: "module",
    dependencies: { strata: `file:${tarball}` },
  }),
);
install(folder);
say("npm install strata-0.1.0.tgz");

// The wrangler of the repository stands for one that the user has installed.
const port = await freePort();
began = performance.now();
writeFileSync(join(folder, "index.js"), WORKER);
writeFileSync(join(folder, "wrangler.toml"), CONFIG);
say(`index.js has ${WORKER.trimEnd().split("\n").length} lines, wrangler.toml has 4`);
symlinkSync(join(ROOT, "node_modules/wrangler"), join(folder, "node_modules/wrangler"));
const wrangler = spawn(
  join(ROOT, "node_modules/.bin/wrangler"),
  ["dev", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
  { cwd: folder, stdio: "ignore", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
);
try {
  const url = `http://127.0.0.1:${port}/ada`;
  say(`curl -i ${url}\n          ${await ask(url)}`);
  const second = await ask(url);
  say(`curl -i ${url}\n          ${second}`);
  if (!second.includes("hit")) process.exitCode = 1;
} finally {
  const ended = new Promise((resolve) => wrangler.once("exit", resolve));
  wrangler.kill("SIGINT");
  await ended;
  rmSync(parent, { recursive: true, force: true });
}
