/**
 * The overrides for OpenNext against the types of the package itself. Only its declarations are used, so the package
 * is unpacked and its dependencies are not installed.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const OPEN_NEXT = "@opennextjs/aws@4.1.16";
const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, ".strata", `opennext-${process.pid}`);

const SETUP = `
import type { IncrementalCache, NextModeTagCache, Queue } from "@opennextjs/aws/types/overrides.js";
import { createStrata } from "../../src/entries/data.ts";
import { openNext, openNextQueue } from "../../src/entries/opennext.ts";
const strata = createStrata({ namespace: "shop" });
const { incrementalCache, tagCache } = openNext(strata);
const queue = openNextQueue(strata, { fetch: async () => new Response(), previewModeId: () => "" });
`;

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(command, args, { cwd: FOLDER, encoding: "utf8" });
  if (error !== undefined) throw error;
  return `${stdout}${stderr}`;
}

function errorsOf(assignments: string): string {
  writeFileSync(join(FOLDER, "overrides.ts"), SETUP + assignments);
  return run(join(ROOT, "node_modules/.bin/tsc"), ["--project", FOLDER, "--pretty", "false"]);
}

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true });
  const archive = run("npm", ["pack", OPEN_NEXT, "--silent"]).trim();
  run("tar", ["xzf", archive]);
  writeFileSync(
    join(FOLDER, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: {
        types: ["@cloudflare/workers-types", "node"],
        paths: { "@opennextjs/aws/types/*": ["./package/dist/types/*"] },
      },
      include: ["overrides.ts"],
    }),
  );
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

it("the incremental cache, the tag cache and the queue have the types that OpenNext asks for", () => {
  const overrides = "[IncrementalCache, NextModeTagCache, Queue]";
  expect(errorsOf(`export const all: ${overrides} = [incrementalCache, tagCache, queue];`)).toBe(
    "",
  );
});

it("the comparison with the types of OpenNext finds an override that does not fit", () => {
  expect(errorsOf("export const wrong: IncrementalCache = tagCache;")).toContain("TS2739");
  expect(
    errorsOf("export const wrong: Queue = { ...queue, send: async (n: number) => {} };"),
  ).toContain("TS2322");
});
