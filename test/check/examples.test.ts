/** The examples of the doc comments compile against src/index.ts, as a program of a user would. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readPublicApi } from "../../tools/reference/public-api.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, ".strata", `examples-${process.pid}`);

const DECLARATIONS = readPublicApi(ROOT).flatMap(({ declarations }) => declarations);

/** The names that an example may use without declaring them. */
const PRELUDE = `
import type { Redis } from "@upstash/redis/cloudflare";
import type { Context, Hono } from "hono";
import type { Bindings, Database, Strata, StrataEnv } from "../../src/index.ts";
declare global {
  const app: Hono<StrataEnv>;
  const c: Context<StrataEnv>;
  const db: Database;
  const env: Bindings;
  const redis: Redis;
  const strata: Strata;
}
`;

/** A module around an example; it imports of src/index.ts what the example does not. */
function moduleOf(example: string): string {
  const isUsed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(example);
  const isImported = (name: string): boolean =>
    [...example.matchAll(/(?:import|export) (?:type )?\{([^}]*)\}/g)].some(([, names = ""]) =>
      names.split(",").some((each) => each.trim().replace(/^type /, "") === name),
    );
  const names = DECLARATIONS.filter(({ name }) => isUsed(name) && !isImported(name)).map(
    ({ name, kind }) => (kind === "interface" || kind === "type" ? `type ${name}` : name),
  );
  return [
    `import { ${names.join(", ")} } from "../../src/index.ts";`,
    'import { eq } from "drizzle-orm";',
    'import { Ratelimit } from "@upstash/ratelimit";',
    'import { products } from "../../src/api/schema.ts";',
    example.replaceAll('"./src/', '"../../src/'),
    "export {};",
  ].join("\n");
}

/** The errors of tsc, by the name of the example that has them. */
function compile(examples: ReadonlyMap<string, string>): readonly string[] {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, example] of examples)
    writeFileSync(join(FOLDER, `${name}.ts`), moduleOf(example));
  writeFileSync(join(FOLDER, "prelude.d.ts"), PRELUDE);
  writeFileSync(
    join(FOLDER, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      // An example need not use what the module around it declares.
      compilerOptions: { noUnusedLocals: false },
      include: ["*.ts"],
    }),
  );
  const { stdout, stderr, error } = spawnSync(
    join(ROOT, "node_modules/.bin/tsc"),
    ["--project", FOLDER, "--pretty", "false"],
    { cwd: FOLDER, encoding: "utf8" },
  );
  if (error !== undefined) throw error;
  return `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
}

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const EXAMPLES = new Map(
  DECLARATIONS.flatMap(({ name, doc, members }) => [
    ...doc.examples.map((example, at) => [`${name}-${at}`, example] as const),
    ...members.flatMap(({ path, doc: { examples } }) =>
      examples.map((example, at) => [`${name}.${path}-${at}`, example] as const),
    ),
  ]),
);

describe("examples of the public API", () => {
  it("every example in a doc comment compiles, and the program in README compiles", () => {
    const program = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1];
    expect(program).toContain("createStrata(env)");
    const examples = new Map([...EXAMPLES, ["README-0", program ?? ""]]);
    expect(examples.size).toBeGreaterThan(15);
    expect(compile(examples)).toEqual([]);
  });

  it("the compiler error for a code example of a doc comment contains the name of the example", () => {
    const errors = compile(new Map([["planted-0", "app.use(createStrata(env));"]]));
    expect(errors.join("\n")).toContain("planted-0.ts");
  });

  it("the doc comment of every exported function has an example of several lines", () => {
    const functions = DECLARATIONS.filter(({ kind }) => kind === "function");
    expect(functions.length).toBeGreaterThan(10);
    const without = functions.filter(
      ({ doc }) => !doc.examples.some((example) => example.includes("\n")),
    );
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  it("everything that src/index.ts exports has a doc comment", () => {
    expect(DECLARATIONS.filter(({ doc }) => doc.text === "").map(({ name }) => name)).toEqual([]);
  });
});
