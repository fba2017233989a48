import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("`npm run check:format` passes in a project whose files are all formatted", () => {
  using project = plant();
  expect(project.run("check:format")).toMatchObject({ passed: true });
});

test("`npm run check:format` fails for a file that is not formatted, and names the file", () => {
  using project = plant({ "src/core/odd.ts": "export const odd   = 1\n" });
  const { passed, output } = project.run("check:format");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/odd.ts");
});
