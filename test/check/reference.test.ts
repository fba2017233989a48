import { expect, test } from "vitest";
import { manifestOf, plant } from "./planted-project.ts";

const INDEX = 'export { double } from "./core/double.ts";\n';

const manifestWith = (exports: object): string => JSON.stringify({ ...manifestOf({}), exports });

test("`npm run check:reference` passes after `npm run reference` has written the pages in docs/reference", () => {
  using project = plant();
  project.run("reference");
  const { passed, output } = project.run("check:reference");
  expect(output).toContain("reference: 2 files say what the sources say");
  expect(passed).toBe(true);
});

test("`npm run check:reference` fails if the pages in docs/reference are missing, and names each missing page", () => {
  using project = plant();
  const { passed, output } = project.run("check:reference");
  expect(passed).toBe(false);
  expect(output).toContain("docs/reference/README.md is not up to date: run npm run reference");
  expect(output).toContain("docs/reference/exports.md is not up to date");
});

test("`npm run check:reference` fails for a page in docs/reference whose section no longer exists in src/index.ts", () => {
  using project = plant({ "docs/reference/old.md": "# Old\n" });
  project.run("reference");
  using stale = plant({ "docs/reference/old.md": "# Old\n" });
  expect(project.run("check:reference").passed).toBe(true);
  expect(stale.run("check:reference").output).toContain("docs/reference/old.md is not up to date");
});

test("`npm run reference` writes the signatures, errors, examples and option defaults of the exports of src/index.ts", () => {
  using project = plant({
    "src/index.ts": `// Numbers: what counts.\n${INDEX}export type { DoubleOptions } from "./core/options.ts";\n`,
    "src/core/options.ts": `/** How to double. */
export interface DoubleOptions {
  readonly retry?: {
    /** Time between two tries. @default "5s" */
    readonly every?: string;
  };
}
`,
    "src/core/double.ts": `/**
 * Twice the number.
 *
 * @throws {TypeError} if it is none
 * @example
 * double(2);
 * double(4);
 */
export function double(n: number): number {
  return n * 2;
}
`,
    "README.md": "<!-- options -->\n<!-- end of options -->\n",
  });
  project.run("reference");
  const page = project.read("docs/reference/numbers.md");
  expect(page).toContain("```ts\nfunction double(n: number): number\n```");
  expect(page).toContain("Throws: `TypeError` if it is none");
  expect(page).toContain("```ts\ndouble(2);\ndouble(4);\n```");
  expect(page).toContain('| `retry.every?` | `string` | "5s" | Time between two tries. |');
});

test("`npm run check:reference` fails until the OpenAPI document is that of the declared operations and the viewer is that of its package", () => {
  using project = plant({
    "src/api/operations/document.ts":
      "export const createDocument = (paths: object): object => ({ paths });\n",
    // A source of the Worker that needs the runtime.
    "src/api/operations/all.ts":
      'import { waitUntil, type DurableObject } from "cloudflare:workers";\n\nexport const operations = { wait: typeof waitUntil };\nexport type Object = DurableObject;\n',
  });
  project.run("reference");
  const { passed, output } = project.run("check:reference");
  expect(passed).toBe(false);
  expect(output).not.toContain("openapi.json");
  expect(output).toContain(
    "src/dashboard/assets/reference/swagger-ui.js is not that of the installed package: run npm run prepare",
  );
  expect(JSON.parse(project.read("src/dashboard/assets/reference/openapi.json"))).toEqual({
    paths: { wait: "function" },
  });
  project.run("prepare");
  expect(project.run("check:reference").passed).toBe(true);
  using unwritten = plant({ "src/api/operations/all.ts": "export const operations = {};\n" });
  expect(unwritten.run("check:reference").passed).toBe(false);
});

test("`npm run reference` writes a page of each other entry that package.json exports, and the index links to it", () => {
  using project = plant({
    "package.json": manifestWith({
      ".": { types: "./dist/entries/data.d.ts" },
      "./twice": { types: "./dist/entries/twice.d.ts" },
      "./worker": { types: "./dist/index.d.ts" },
      "./package.json": "./package.json",
    }),
    "src/entries/data.ts": `/** The entry \`planted\`: numbers. */\n${INDEX.replace("./", "../")}`,
    "src/entries/twice.ts": `/** The entry \`planted/twice\`: more numbers. */
export { double as twice } from "../core/double.ts";
export type { TwiceOptions } from "../core/options.ts";
`,
    "src/core/options.ts": `interface Base {
  /** The number of rounds. @default 1 */
  readonly rounds?: number;
  /** The name of a round. */
  readonly name?: string;
}

/** The options of \`twice\`. */
export interface TwiceOptions extends Pick<Base, "rounds"> {
  /** The unit. */
  readonly unit: "one" | "ten";
}
`,
  });
  project.run("reference");
  expect(project.read("docs/reference/README.md")).toContain(
    "| [`planted/twice`](entries/twice.md) | More numbers. | [`twice`](entries/twice.md#twice), [`TwiceOptions`](entries/twice.md#twiceoptions) |",
  );
  expect(project.read("docs/reference/entries/planted.md")).toContain("## double");
  const page = project.read("docs/reference/entries/twice.md");
  expect(page).toContain("# planted/twice\n\nMore numbers.");
  expect(page).toContain("```ts\nfunction twice(n: number): number\n```");
  expect(page).toContain("[`src/core/double.ts`](../../../src/core/double.ts)");
  expect(page).toContain("| `rounds?` | `number` | 1 | The number of rounds. |");
  expect(page).not.toContain("The name of a round.");
  expect(project.run("check:reference").output).toContain("reference: 4 files");
});

test("the index of docs/reference links to a heading whose name differs from an earlier one only in case by the numbered anchor of GitHub", () => {
  using project = plant({
    "package.json": manifestWith({ "./half": { types: "./dist/entries/half.d.ts" } }),
    "src/entries/half.ts": 'export { half, type Half } from "../core/half.ts";\n',
    "src/core/half.ts":
      "/** Halves. */\nexport const half = 2;\n/** A half. */\nexport type Half = 2;\n",
    "src/index.ts": '// Half: halves.\nexport type { Half } from "./core/half.ts";\n',
  });
  project.run("reference");
  const index = project.read("docs/reference/README.md");
  expect(index).toContain("[`half`](entries/half.md#half), [`Half`](entries/half.md#half-1)");
  expect(index).toContain("[`Half`](half.md#half-1)");
});

test("`npm run check:reference` fails for an export without a doc comment, and for a member without one on any page", () => {
  using project = plant({
    "package.json": manifestWith({ "./half": { types: "./dist/entries/half.d.ts" } }),
    "src/entries/half.ts": 'export { half, type HalfOptions } from "../core/half.ts";\n',
    "src/core/half.ts": `export const half = (n: number): number => n / 2;
/** The options. */
export interface HalfOptions {
  readonly rounds: { readonly up: boolean };
}
`,
  });
  project.run("reference");
  const { passed, output } = project.run("check:reference");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/half.ts: half has no doc comment");
  expect(output).toContain("src/core/half.ts: HalfOptions.rounds.up has no doc comment");
  expect(output).not.toContain("HalfOptions.rounds has");
  using worker = plant({
    "src/index.ts": '// Numbers: halves.\nexport type { HalfOptions } from "./core/half.ts";\n',
    "src/core/half.ts":
      "/** The options. */\nexport interface HalfOptions {\n  readonly up: boolean;\n}\n",
  });
  worker.run("reference");
  expect(worker.run("check:reference").output).toContain("HalfOptions.up has no doc comment");
});
