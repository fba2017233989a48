/** The programs in the guides compile against the entries of the package. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const GUIDES = ["first-route", "tags-and-purges", "operating", "moving-to-strata"];
const tsc = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);

/** Writes the programs of the guides into a folder, one file each. Returns the names of the files. */
function extract(folder: string, guides: Readonly<Record<string, string>>): string[] {
  return Object.entries(guides).flatMap(([guide, page]) =>
    [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""], i) => {
      const name = `${guide}-${i + 1}.ts`;
      writeFileSync(join(folder, name), code);
      return name;
    }),
  );
}

/** Compiles the programs. Returns the lines of errors. */
function compile(guides: Readonly<Record<string, string>>): readonly string[] {
  mkdirSync(join(ROOT, ".strata"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".strata/guides-"));
  try {
    const files = extract(folder, guides);
    expect(files.length).toBeGreaterThan(0);
    const config = {
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: {
        noEmit: true,
        paths: {
          strata: [join(ROOT, "src/entries/data.ts")],
          "strata/*": [join(ROOT, "src/entries/*.ts")],
        },
      },
      include: [],
      files,
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    execFileSync(process.execPath, [tsc, "--project", folder], { encoding: "utf8" });
    return [];
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string };
    if (stdout === undefined) throw error;
    return stdout.trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the programs in the guides", () => {
  it("compile against the entries of the package", () => {
    const pages = GUIDES.map((guide) => [
      guide,
      readFileSync(join(ROOT, `docs/guides/${guide}.md`), "utf8"),
    ]);
    expect(compile(Object.fromEntries(pages))).toEqual([]);
  });

  it("are compiled: a program with a wrong option is reported", () => {
    const page =
      '```ts\nimport { createStrata } from "strata";\ncreateStrata({ colour: 1 });\n```\n';
    expect(compile({ planted: page }).join("\n")).toContain("'colour' does not exist");
  });
});
