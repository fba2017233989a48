import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("`npm run check:dead` passes in a project without unused files, exports or dependencies", () => {
  using project = plant();
  expect(project.run("check:dead")).toMatchObject({ passed: true });
});

test.each([
  [
    "a file that no other file imports",
    "src/core/orphan.ts",
    "export const orphan = 1;\n",
    "Unused files (1)",
  ],
  [
    "an export that no file imports",
    "src/core/double.ts",
    "export const double = (n: number): number => n * 2;\nexport const triple = (n: number): number => n * 3;\n",
    "Unused exports (1)",
  ],
])("`npm run check:dead` fails for %s, and names the file", (_fault, path, text, says) => {
  using project = plant({ [path]: text });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toContain(says);
  expect(output).toContain(path);
});

test("`npm run check:dead` fails for a dependency in package.json that no file imports", () => {
  using project = plant({}, { hono: "4.13.19" });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toMatch(/Unused dependencies \(1\)\s+hono\s+package\.json/u);
});

test("`npm run check:dead` fails for an import of a package that package.json does not list", () => {
  using project = plant({ "src/index.ts": 'export { Hono } from "hono";\n' });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toMatch(/Unlisted dependencies \(1\)\s+hono\s+src\/index\.ts/u);
});
