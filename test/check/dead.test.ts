import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("check:dead accepts a sound project", () => {
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
])("check:dead reports %s", (_fault, path, text, says) => {
  using project = plant({ [path]: text });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toContain(says);
  expect(output).toContain(path);
});

test("check:dead reports a dependency that no file imports", () => {
  using project = plant({}, { hono: "4.13.19" });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toMatch(/Unused dependencies \(1\)\s+hono\s+package\.json/u);
});

test("check:dead reports an import that package.json does not list", () => {
  using project = plant({ "src/index.ts": 'export { Hono } from "hono";\n' });
  const { passed, output } = project.run("check:dead");
  expect(passed).toBe(false);
  expect(output).toMatch(/Unlisted dependencies \(1\)\s+hono\s+src\/index\.ts/u);
});
