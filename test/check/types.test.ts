import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

test("`npm run check:types` passes in a project without type errors", () => {
  using project = plant();
  expect(project.run("check:types").output).toMatch(/types: \d+ files in \d+ programs/u);
});

test.each([
  {
    fault: "a wrong type in the Worker",
    path: "src/core/odd.ts",
    text: 'export const odd: number = "one";\n',
    says: "src/core/odd.ts(1,14): error TS2322",
  },
  {
    fault: "an array element without a check for undefined",
    path: "src/core/odd.ts",
    text: "export const odd = (list: number[]): number => list[0];\n",
    says: "error TS2322: Type 'number | undefined'",
  },
  {
    fault: "undefined assigned to an optional property",
    path: "src/core/odd.ts",
    text: "export const odd: { readonly n?: number } = { n: undefined };\n",
    says: "error TS2375",
  },
  {
    fault: "syntax that cannot be erased",
    path: "dev/odd.ts",
    text: "export enum Odd {\n  One,\n}\n",
    says: "dev/odd.ts(1,13): error TS1294",
  },
  {
    fault: "a global of Node in the Worker",
    path: "src/core/odd.ts",
    text: "export const odd = __filename;\n",
    says: "src/core/odd.ts(1,20): error TS",
  },
  {
    fault: "a global of the Worker in Node",
    path: "dev/odd.ts",
    text: "export const odd = caches.default;\n",
    says: "dev/odd.ts(1,20): error TS",
  },
  {
    fault: "a wrong type in a test",
    path: "test/core/odd.test.ts",
    text: 'import { env } from "cloudflare:workers";\n\nexport const odd: number = env;\n',
    says: "test/core/odd.test.ts(3,14): error TS",
  },
  {
    fault: "a file that no program includes",
    path: "scripts/lost.ts",
    text: "export const lost = 1;\n",
    says: "scripts/lost.ts types: tsconfig.json does not include this file",
  },
])("`npm run check:types` fails for $fault", ({ path, text, says }) => {
  using project = plant({ [path]: text });
  const { passed, output } = project.run("check:types");
  expect(passed).toBe(false);
  expect(output).toContain(says);
});
