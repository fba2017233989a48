import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("`npm run check` passes in a project without errors, and runs all 8 checks", () => {
  using project = plant();
  project.run("reference");
  const { passed, output } = project.run("check");
  expect(output.match(/^ok {6}check:\w+/gmu)).toHaveLength(8);
  expect(passed).toBe(true);
});

test("`npm run check` runs the remaining checks after one check has failed", () => {
  using project = plant({
    "src/core/odd.ts": "export const odd: any   = Date.now();\n",
  });
  project.run("reference");
  const { passed, output } = project.run("check");
  expect(passed).toBe(false);
  expect(output.match(/^FAILED {2}check:\w+/gmu)).toEqual([
    "FAILED  check:format",
    "FAILED  check:lint",
    "FAILED  check:imports",
    "FAILED  check:dead",
  ]);
});
