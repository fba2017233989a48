/** A real Prometheus scrapes /metrics, and every panel of the Grafana dashboard has data. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, startProduct, type Product } from "./support/product.ts";
import { readDocument } from "./support/readme.ts";
import { until } from "./support/waiting.ts";

const OPERATIONS = join(ROOT, "docs/operations");
const folder = mkdtempSync(join(tmpdir(), "strata-prometheus-"));

let product: Product;
let prometheus: ChildProcess;
let url: string;
beforeAll(async () => {
  product = await startProduct({ instances: 2, cronSeconds: 2 });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s" },
      scrape_configs: [
        {
          job_name: "strata",
          static_configs: [{ targets: [product.urls[0]?.slice("http://".length)] }],
        },
      ],
    }),
  );
  prometheus = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  await until(
    () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    Boolean,
    30_000,
  );
});
afterAll(async () => {
  prometheus?.kill("SIGTERM");
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let loads = 0;
/** Makes traffic for every metric. */
async function load(): Promise<void> {
  const client = product.client();
  for (let i = 0; i < 60; i++) await client.get(i % 2, `/products/${1 + (i % 15)}`);
  await client.write(0, "PATCH", "/products/3", { stock: 4 });
  await client.write(1, "POST", "/admin/purge", { tags: ["product:4"] });
  for (let i = 0; i < 130; i++) await client.get(i % 2, "/products/5");
  // A new client, since the former one has used up its rate limit. A warm-up may have read the product before.
  const id = 700 + loads++;
  const other = product.client();
  await other.write(0, "POST", "/admin/purge", { tags: [`product:${id}`] });
  await product.services.fault("sql", { status: 500 });
  await other.get(0, `/products/${id}`);
  await product.services.heal();
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

async function query(expr: string): Promise<readonly { value: [number, string] }[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
  const { status, data, error } = (await response.json()) as {
    status: string;
    error?: string;
    data: { result: readonly { value: [number, string] }[] };
  };
  if (status !== "success") throw new Error(`${expr}: ${error}`);
  return data.result;
}

describe("/metrics", () => {
  it("the output of /metrics passes the check of promtool", async () => {
    await load();
    const { body } = await product.client().get(0, "/metrics");
    expect(execFileSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" })).toBe(
      "",
    );
  });

  it("/metrics has data for every panel of the Grafana dashboard", async () => {
    const { panels } = JSON.parse(
      readFileSync(join(OPERATIONS, "grafana/strata.json"), "utf8"),
    ) as {
      panels: readonly Panel[];
    };
    const empty = async (): Promise<readonly string[]> => {
      await load();
      const missing: string[] = [];
      for (const { title, targets } of panels)
        for (const { expr } of targets) {
          const result = await query(expr.replaceAll("$__rate_interval", "1m"));
          if (!result.some(({ value: [, value] }) => value !== "NaN"))
            missing.push(`${title}: ${expr}`);
        }
      return missing;
    };
    const { value } = await until(empty, (missing) => missing.length === 0, 90_000);
    expect(value).toEqual([]);
    expect(panels.length).toBeGreaterThan(15);
  });
});

describe("the Prometheus rules", () => {
  it("the Prometheus alert rules fire in the failing cases of rules.test.yml, and not for a healthy service", () => {
    const run = (...args: string[]) =>
      execFileSync("promtool", args, { cwd: join(OPERATIONS, "prometheus"), encoding: "utf8" });
    expect(run("check", "rules", "rules.yml")).toContain("SUCCESS");
    expect(run("test", "rules", "rules.test.yml")).toContain("SUCCESS");
  });
});

describe("the queries of the guides", () => {
  it("promtool accepts each query of docs/operations", () => {
    const queries = ["runbooks", "sizing"].flatMap((page) =>
      readDocument(`docs/operations/${page}.md`)
        .blocks.filter(({ language }) => language === "promql")
        .flatMap(({ text }) => text.split("\n").filter((line) => line !== "")),
    );
    expect(queries.length).toBeGreaterThan(20);
    const rules = queries.map((expr, at) => ({ record: `guide:query:${at}`, expr }));
    const file = join(folder, "guides.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "guides", rules }] }));
    expect(
      execFileSync("promtool", ["check", "rules", "--lint=none", file], { encoding: "utf8" }),
    ).toContain(`${queries.length} rules found`);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
