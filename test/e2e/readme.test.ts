import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorkerInstance } from "../../dev/supervisor/worker-instance.ts";
import { send } from "./support/client.ts";
import { ROOT, startProduct, variablesFile, type Product } from "./support/product.ts";
import { commandsOf, readDocument, type Block } from "./support/readme.ts";
import { until } from "./support/waiting.ts";

const README = readDocument("README.md");

let product: Product;
beforeAll(async () => void (product = await startProduct()));
afterAll(() => product?.stop());

describe("README", () => {
  it("each command in the walk-through of README prints the output that the comment of the command describes", async () => {
    const commands = commandsOf(block("Try it", "sh"));
    const outputs: string[] = [];
    for (const { text, comment } of commands) {
      const output = await run(text);
      outputs.push(output);
      for (const [promise] of comment.matchAll(/X-[\w-]+: \w+|detail=\w+/g))
        expect(output, `${text} should print ${promise}`).toContain(promise);
    }
    // The outputs are in the order of the commands in the README.
    const [miss, hit, patched, , again, counts] = outputs;
    expect(outputs).toHaveLength(6);
    expect(miss).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Cache-Status: MISS\r\n/);
    expect(hit).toMatch(/Cache-Status: strata; hit; ttl=\d+; detail=memory\r\n/);
    expect(hit).toContain("X-Cache-Status: HIT\r\n");
    expect(patched).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Invalidation: done\r\n[\s\S]*"stock":7,/,
    );
    expect(again).toMatch(/"id":42,.*"stock":7,/);
    expect(JSON.parse(counts ?? "")).toMatchObject({ redis: {}, sql: {} });
  });

  it("with two Worker instances as in README, the second shows the stock that was changed through the first, and answers from Redis after a read by the first", async () => {
    expect(README.text).toContain("`INSTANCES=2 npm run dev`");
    const [first, second] = product.urls;
    expect(await run(`curl -i http://127.0.0.1:8788/products/42`)).toContain('"stock":7,');
    await send(first ?? "", "/products/43");
    const { headers } = await send(second ?? "", "/products/43");
    expect(headers["cache-status"]).toContain("detail=redis");
  });

  it("the commands in README make Redis hang, and then make Redis answer again", async () => {
    expect(README.text).toContain('`PUT http://127.0.0.1:8790/faults/redis` with `{"hang": true}`');
    expect(README.text).toContain("`DELETE http://127.0.0.1:8790/faults`");
    await run(`curl -X PUT -d '{"hang": true}' http://127.0.0.1:8790/faults/redis`);
    const away = await run("curl -i http://127.0.0.1:8787/products/44");
    await run("curl -X DELETE http://127.0.0.1:8790/faults");
    expect(away).toMatch(/^HTTP\/1\.1 200 OK/);
    await until(
      () => run("curl -i http://127.0.0.1:8787/products/45"),
      (output) => /X-Cache-Status: (?:HIT|MISS)/.test(output) && !output.includes("unreachable"),
      5_000,
    );
  });

  it("docs/storage-schema.md describes every key in Redis", async () => {
    const table =
      readDocument("docs/storage-schema.md").text.split("## Workers Cache API")[0] ?? "";
    const patterns = [...table.matchAll(/`<ns>:([^`]+)`/g)].map(
      ([, form = ""]) => new RegExp(`^strata:${form.replaceAll(/<[^>]+>/g, ".+")}$`),
    );
    const keys = (await product.services.redis("KEYS", "*")) as string[];
    expect(keys.length).toBeGreaterThan(3);
    expect(keys.filter((key) => !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
  });

  it("the ten-line example program in README runs unchanged", async () => {
    const folder = join(ROOT, ".strata", `readme-${product.port}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "worker.ts"),
      block("One line for each route", "ts").text.replaceAll('"./src/', '"../../src/'),
    );
    writeFileSync(join(folder, "wrangler.json"), JSON.stringify(programConfig()));
    const port = product.port + 10;
    const program = startWorkerInstance({
      config: join(folder, "wrangler.json"),
      port,
      variables: variablesFile(product.port),
      persistTo: join(folder, "state"),
      worker: programConfig().name,
      registry: join(folder, "registry"),
      cwd: ROOT,
      onLine: () => undefined,
    });
    try {
      const ask = () =>
        send(`http://127.0.0.1:${port}`, "/hello/ada").catch((error: unknown) => ({
          status: String(error),
          headers: {},
          body: "",
        }));
      const { value: first } = await until(
        ask,
        ({ status }) => typeof status === "number",
        60_000,
        100,
      );
      expect(first.body).toBe('{"hello":"ada"}');
      expect(first.headers).toMatchObject({ "x-cache-status": "MISS" });
      expect((await ask()).headers).toMatchObject({ "x-cache-status": "HIT" });
    } finally {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function block(heading: string, language: string): Block {
  const found = README.blocks.find(
    (each) => each.heading === heading && each.language === language,
  );
  if (found === undefined) throw new Error(`README has no ${language} block under "${heading}"`);
  return found;
}

const execute = promisify(execFile);

/** Runs a command of the README with the ports of this run. */
async function run(command: string): Promise<string> {
  const { port, adminToken } = product;
  const here = command
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${port}`)
    .replaceAll("127.0.0.1:8788", `127.0.0.1:${port + 1}`)
    .replaceAll("127.0.0.1:8790", product.services.url.replace("http://", ""));
  const { stdout } = await execute("sh", ["-c", here], {
    env: { ...process.env, ADMIN_TOKEN: adminToken },
  });
  return stdout;
}

/** The wrangler configuration of the program: this repository's date and bindings, and its own main module. */
function programConfig(): { readonly name: string; readonly [other: string]: unknown } {
  const date = /compatibility_date = "([^"]+)"/.exec(
    readFileSync(join(ROOT, "wrangler.toml"), "utf8"),
  )?.[1];
  return {
    name: "readme",
    main: "worker.ts",
    compatibility_date: date,
    durable_objects: { bindings: [{ name: "FLIGHTS", class_name: "FlightShard" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["FlightShard"] }],
  };
}
