import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

/** Returns a file with this number of lines, including the blank one and the comments. */
const lines = (count: number): string =>
  `export const odd = 1;\n\n${"// A line.\n".repeat(count - 2)}`;

test("`npm run check:lint` accepts a file of 300 lines, and a comment that disables a lint rule and states the reason", () => {
  using project = plant({
    "src/core/long.ts": lines(300),
    "src/core/excused.ts": `/** Prints. */
export function excused(): void {
  // oxlint-disable-next-line no-console -- the only way out while starting
  console.log("excused");
}
`,
    "dev/prints.ts": 'console.log("the local services may print");\n',
  });
  const { output, passed } = project.run("check:lint");
  expect(output).toContain("exceptions: 1 in");
  expect(passed).toBe(true);
});

const PROMISE = "export async function later(): Promise<void> {}\n\nlater();\n";

test.each([
  ["a floating promise in the Worker", "src/core/odd.ts", PROMISE, "no-floating-promises"],
  ["a floating promise in Node", "dev/odd.ts", PROMISE, "no-floating-promises"],
  ["a floating promise in a test", "test/core/odd.test.ts", PROMISE, "no-floating-promises"],
  [
    "a promise used as a boolean",
    "src/core/odd.ts",
    "export async function later(): Promise<void> {}\n\nexport const odd = [1].filter(async () => later());\n",
    "no-misused-promises",
  ],
  [
    "an explicit any",
    "src/core/odd.ts",
    "export const odd = (x: any): string => String(x);\n",
    "no-explicit-any",
  ],
  [
    "an explicit any in a test",
    "test/core/odd.test.ts",
    "export const odd = [] as any[];\n",
    "no-explicit-any",
  ],
  [
    "an import of plain zod",
    "src/core/odd.ts",
    'import { z } from "zod";\n\nexport const odd = z.string();\n',
    "no-restricted-imports",
  ],
  ["console in the Worker", "src/core/odd.ts", 'console.log("odd");\n', "no-console"],
  ["a file of 301 lines", "src/core/odd.ts", lines(301), "max-lines"],
  ["a file of 301 lines in dev", "dev/odd.ts", lines(301), "max-lines"],
  [
    "@ts-ignore",
    "src/core/odd.ts",
    '// @ts-ignore\nexport const odd: number = "one";\n',
    "ban-ts-comment",
  ],
  [
    "@ts-expect-error without a reason",
    "src/core/odd.ts",
    '// @ts-expect-error\nexport const odd: number = "";\n',
    "ban-ts-comment",
  ],
  [
    "a file that is not in kebab case",
    "src/core/oddName.ts",
    "export const odd = 1;\n",
    "filename-case",
  ],
  [
    "a switch without one of its cases",
    "src/core/odd.ts",
    'export const odd = (x: "a" | "b"): number => {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 2;\n};\n',
    "switch-exhaustiveness-check",
  ],
  [
    "fetch in core",
    "src/core/odd.ts",
    'export const odd = fetch("https://a.example");\n',
    "no-restricted-globals",
  ],
  [
    "a skipped test",
    "test/core/odd.test.ts",
    'import { test, expect } from "vitest";\n\ntest.skip("odd", () => {\n  expect(1).toBe(1);\n});\n',
    "no-disabled-tests",
  ],
  [
    "a focused test",
    "test/core/odd.test.ts",
    'import { test, expect } from "vitest";\n\ntest.only("odd", () => {\n  expect(1).toBe(1);\n});\n',
    "no-focused-tests",
  ],
])(
  "`npm run check:lint` fails for %s, and names the file and the lint rule",
  (_fault, path, text, rule) => {
    using project = plant({ [path]: text });
    const { passed, output } = project.run("check:lint");
    expect(passed).toBe(false);
    expect(output).toContain(rule);
    expect(output).toContain(path);
  },
);

test.each([
  ["// oxlint-disable-next-line no-console\n", "src/core/odd.ts:1 exceptions: give the reason"],
  ["// oxlint-disable-next-line no-console -- because\n", "src/core/odd.ts:1 exceptions:"],
  ["/* eslint-disable no-console */\n", "src/core/odd.ts:1 exceptions:"],
])(
  "`npm run check:lint` fails for a comment that disables a lint rule without a sufficient reason: %j",
  (exception, says) => {
    using project = plant({ "src/core/odd.ts": `${exception}console.log("odd");\n` });
    const { passed, output } = project.run("check:lint");
    expect(passed).toBe(false);
    expect(output).toContain(says);
  },
);

test("`npm run check:lint` fails for a comment that disables a lint rule where the code does not break the rule", () => {
  using project = plant({
    "src/core/odd.ts":
      "// oxlint-disable-next-line no-console -- left over from a search\nexport const odd = 1;\n",
  });
  const { passed, output } = project.run("check:lint");
  expect(passed).toBe(false);
  expect(output).toContain("src/core/odd.ts");
});
