/** The programs in the guides compile against the entries of the package. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const GUIDES = [
  "guides/first-route",
  "guides/tags-and-purges",
  "guides/operating",
  "guides/moving-to-strata",
  "adapters",
];
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

/** Returns the examples of the doc comments of an adapter, as a page with programs. */
function examplesOf(file: string): string {
  const entry = file.split("-queue")[0];
  const source = readFileSync(join(ROOT, "src/adapters", `${file}.ts`), "utf8");
  const names = [...source.matchAll(/^export function (\w+)/gm)].map(([, name]) => name).join();
  return [...source.matchAll(/@example\n([\s\S]*?) \*\//g)]
    .map(([, text = ""]) => text.replaceAll(/^ \* ?/gm, ""))
    .map((text) =>
      [
        "```ts",
        'import { createStrata } from "strata";',
        `import { ${names} } from "strata/${entry}";`,
        `import { products } from "${join(ROOT, "src/api/schema.ts")}";`,
        `${text}\`\`\`\n`,
      ].join("\n"),
    )
    .join("\n");
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

describe("the programs in the guides and adapters", () => {
  it("compile against the entries of the package", () => {
    const pages = GUIDES.map((guide) => [
      basename(guide),
      readFileSync(join(ROOT, `docs/${guide}.md`), "utf8"),
    ]);
    expect(compile(Object.fromEntries(pages))).toEqual([]);
  });

  it("in the doc comments of the adapters compile against the entries of the package", () => {
    const adapters = ["ai", "better-auth", "drizzle", "opennext", "opennext-queue", "unstorage"];
    const pages = adapters.map((file) => [`example-${file}`, examplesOf(file)]);
    expect(pages.filter(([, page]) => page === "")).toEqual([]);
    expect(compile(Object.fromEntries(pages))).toEqual([]);
  });

  it("are compiled: a program with a wrong option is reported", () => {
    const page =
      '```ts\nimport { createStrata } from "strata";\ncreateStrata({ colour: 1 });\n```\n';
    expect(compile({ planted: page }).join("\n")).toContain("'colour' does not exist");
  });
});
