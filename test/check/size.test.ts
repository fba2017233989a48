import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

/** Returns text that does not compress below three quarters of its length. */
function noise(bytes: number): string {
  let text = "";
  for (let i = 0; text.length < bytes; i += 1) {
    text += createHash("sha512").update(String(i)).digest("base64");
  }
  return text;
}

const worker = (payload: string): string =>
  `const payload = "${payload}";\n\nexport default {\n  fetch: (): Response => new Response(payload),\n};\n`;

test("`npm run check:size` passes for a Worker bundle under the size limit, and prints the size", () => {
  using project = plant({ "src/worker.ts": worker(noise(100 * 1024)) });
  const { passed, output } = project.run("check:size");
  expect(output).toMatch(/size: \d+\.\d KiB gzipped, \d+\.\d KiB raw, of 284 KiB gzipped allowed/u);
  expect(passed).toBe(true);
});

test("`npm run check:size` fails for a Worker bundle over the size limit", () => {
  using project = plant({ "src/worker.ts": worker(noise(450 * 1024)) });
  const { passed, output } = project.run("check:size");
  expect(passed).toBe(false);
  expect(output).toMatch(/Worker bundle size: 3\d\d\.\d KiB gzipped/u);
  expect(output).toMatch(/heaviest, raw: src\/worker\.ts 45\d\.\d KiB/u);
});

test("`npm run check:size` fails for a Worker that cannot be bundled", () => {
  using project = plant({ "src/worker.ts": 'import "./missing.ts";\n' });
  const { passed, output } = project.run("check:size");
  expect(passed).toBe(false);
  expect(output).toContain("size: the Worker does not bundle");
});

test("`npm run check:size` fails for an entry `strata` of more than 25,088 bytes gzipped, and prints its size", () => {
  const entry = (bytes: number) => `export const payload = "${noise(bytes)}";\n`;
  using heavy = plant({ "src/entries/data.ts": entry(40 * 1024) });
  expect(heavy.run("check:size")).toMatchObject({
    passed: false,
    output: expect.stringMatching(/entry strata: 3\d{4} bytes gzipped, of 25088 allowed/u),
  });
  using light = plant({ "src/entries/data.ts": entry(10 * 1024) });
  expect(light.run("check:size")).toMatchObject({
    passed: true,
    output: expect.stringMatching(/entry strata: \d{4} bytes gzipped, of 25088 allowed/u),
  });
});

test("`npm run check:size` fails for a Worker that evaluates the driver of Postgres when an isolate starts, and passes if `import()` loads it", () => {
  const driver = { "@neondatabase/serverless": "1.2.0" };
  const query = 'import { neon } from "@neondatabase/serverless";\n\nexport const query = neon;\n';
  const main = (open: string) =>
    `${open}\nexport default {\n  fetch: async () => new Response(String(await open())),\n};\n`;
  using early = plant(
    {
      "src/query.ts": query,
      "src/worker.ts": main(
        'import { query } from "./query.ts";\n\nconst open = async () => query;\n',
      ),
    },
    driver,
  );
  expect(early.run("check:size")).toMatchObject({
    passed: false,
    output: expect.stringContaining("size: @neondatabase/serverless is evaluated at start"),
  });
  using late = plant(
    {
      "src/query.ts": query,
      "src/worker.ts": main('const open = async () => (await import("./query.ts")).query;\n'),
    },
    driver,
  );
  expect(late.run("check:size")).toMatchObject({
    passed: true,
    output: expect.stringMatching(/evaluated at start: 0\.\d KiB gzipped, of 239 KiB allowed/u),
  });
});
