import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../src/api/operations/problems.ts";
import { ROOT } from "./support/product.ts";
import { readDocument } from "./support/readme.ts";

const DOCUMENTS = ["README.md", ...filesOf("docs", ".md")];
const SOURCES = filesOf("src", ".ts").map((path) => readFileSync(join(ROOT, path), "utf8"));
const README = readDocument("README.md").text;

/** The first two cells of each row of the table of problem types: the types and the status. */
const PROBLEM_ROWS = /^\| ((?:`[a-z-]+`(?:, )?)+) \| (\d{3}) \|/gm;

describe("documents", () => {
  it.each(DOCUMENTS)("the document %s mentions and links only files that exist", (path) => {
    const { text, links } = readDocument(path);
    for (const link of links) expect(existsSync(join(ROOT, dirname(path), link)), link).toBe(true);
    for (const file of matches(text, /`((?:src|test|dev|drizzle|docs|bench)\/[\w./-]+)`/g))
      expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  it("README mentions only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: object;
    };
    const named = matches(README, /npm run ([\w:]+)/g);
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("README mentions only environment variables that the code reads", () => {
    const readers = [
      ...SOURCES,
      readFileSync(join(ROOT, "dev/supervisor/options.ts"), "utf8"),
    ].join("\n");
    const configuration = README.slice(
      README.indexOf("## Configuration"),
      README.indexOf("## Commands"),
    );
    const named = matches(configuration, /`([A-Z][A-Z0-9_]{3,})(?:=\d)?`/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !readers.includes(name))).toEqual([]);
  });

  it("docs/failure-modes.md lists every problem type and every error code of the project", () => {
    const page = readDocument("docs/failure-modes.md").text;
    const source = SOURCES.join("\n");
    const types = matches(source, /type: "([a-z]+(?:-[a-z]+)*)",\s+title:/g);
    expect(types.length).toBeGreaterThan(10);
    const codes = matches(
      source,
      /"((?:memory|edge|redis|log|flight|origin|queue|live|background)\.(?:timeout|unavailable|rejected|corrupt|open|saturated|abandoned|failed))"/g,
    );
    expect(codes.length).toBeGreaterThan(8);
    expect(
      [...new Set([...types, ...codes])].filter((name) => !page.includes(`\`${name}\``)),
    ).toEqual([]);
  });
});

describe("the table of problem types in docs/failure-modes.md", () => {
  it("docs/failure-modes.md has the status of each problem type that the API reference has", () => {
    const rows = readDocument("docs/failure-modes.md").text.matchAll(PROBLEM_ROWS);
    const documented = new Map(
      Array.from(rows, ([, types = "", status]) =>
        matches(types, /`([a-z-]+)`/g).map((type) => [type, Number(status)] as const),
      ).flat(),
    );
    const known = Object.entries(PROBLEMS).map(([type, { status }]) => [type, status] as const);
    expect(known.length).toBeGreaterThan(30);
    expect(known.filter(([type, status]) => documented.get(type) !== status)).toEqual([]);
  });
});

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));
}

/** Returns the first group of each match. */
function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, name]) => name ?? []);
}
