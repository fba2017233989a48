import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createPgliteEngine } from "../../dev/sql/pglite.ts";
import type { SqlEngine } from "../../dev/sql/engine.ts";

const folder = mkdtempSync(join(tmpdir(), "strata-template-"));
const template = join(folder, "cache", "cluster.tar");
const engines: SqlEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(dataDir?: string, file: string = template): Promise<SqlEngine> {
  const engine = await createPgliteEngine(dataDir, file);
  engines.push(engine);
  return engine;
}

const rows = async (engine: SqlEngine, text: string) =>
  (await engine.query({ text, params: [] })).rows;
const CATALOG = "SELECT relname, relkind FROM pg_class ORDER BY 1, 2";

// Each test builds on the one before: a cluster takes seconds to initialise.
describe("the template of database clusters", () => {
  it("the first start of the local Postgres saves a copy of the empty database cluster, and each later start gets the same empty cluster", async () => {
    const first = await start();
    expect(existsSync(template)).toBe(true);
    const catalog = await rows(first, CATALOG);
    await rows(first, "CREATE TABLE only_in_first (id int)");
    for (const engine of [await start(), await start(join(folder, "postgres"))])
      expect(await rows(engine, CATALOG)).toEqual(catalog);
  });

  it("a start of the local Postgres with existing data does not read the saved copy of the empty cluster", async () => {
    const dataDir = join(folder, "postgres");
    await rows(await start(dataDir), "CREATE TABLE kept (id int)");
    await engines.splice(0)[0]?.close();
    writeFileSync(template, "no archive");
    expect(await rows(await start(dataDir), "SELECT * FROM kept")).toEqual([]);
  });

  it("a start of the local Postgres succeeds even if the copy of the empty cluster cannot be saved", async () => {
    const taken = join(folder, "taken.tar");
    mkdirSync(`${taken}.${process.pid}`);
    expect(await rows(await start(undefined, taken), "SELECT 1")).toEqual([["1"]]);
    expect(existsSync(taken)).toBe(false);
  });
});
