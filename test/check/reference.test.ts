import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

const INDEX = 'export { double } from "./core/double.ts";\n';

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
