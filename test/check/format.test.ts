import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("check:format accepts a sound project", () => {
  using project = plant();
  expect(project.run("check:format")).toMatchObject({ passed: true });
});

test("check:format names a file that is not formatted", () => {
  using project = plant({ "src/core/odd.ts": "export const odd   = 1\n" });
  const { passed, output } = project.run("check:format");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/odd.ts");
});
