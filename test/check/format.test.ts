import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("format: a sound project passes", () => {
  using project = plant();
  expect(project.run("check:format")).toMatchObject({ passed: true });
});

test("format: a file with other formatting fails and is named", () => {
  using project = plant({ "src/core/odd.ts": "export const odd   = 1\n" });
  const { passed, output } = project.run("check:format");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/odd.ts");
});
