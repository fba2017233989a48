import { expect, test } from "vitest";
import { plant } from "./planted-project.ts";

/** A project in which every file below exists, so that only the rule under test is broken. */
const ROOMS = Object.fromEntries(
  [
    "core/x",
    "engine/x",
    "tiers/x",
    "redis/x",
    "redis/client",
    "durable/x",
    "resilience/x",
    "telemetry/x",
    "origin/x",
    "http/x",
    "ratelimit/x",
    "writes/x",
    "api/x",
    "dashboard/x",
    "compose",
    "config",
  ].map((file) => [`src/${file}.ts`, "export const x = 1;\n"]),
);

function imports(files: Readonly<Record<string, string>>): { passed: boolean; output: string } {
  using project = plant({ ...ROOMS, "dev/x.ts": "export const x = 1;\n", ...files });
  return project.run("check:imports");
}

const use = (specifier: string): string => `import { x } from "${specifier}";\n\nvoid x;\n`;

test("`npm run check:imports` passes if tools/check/architecture.ts allows every import of the project", () => {
  const { passed, output } = imports({
    "src/engine/x.ts": use("../core/x.ts"),
    "src/http/x.ts": `import type { Context } from "hono";\nimport { x } from "../engine/x.ts";\n\nexport const odd = (c: Context) => c.text(String(x));\n`,
    "src/ratelimit/x.ts": use("../redis/client.ts"),
    "src/redis/x.ts": 'import { Redis } from "@upstash/redis/cloudflare";\n\nvoid Redis;\n',
    "src/ratelimit/middleware.ts":
      'import { createMiddleware } from "hono/factory";\n\nvoid createMiddleware;\n',
    "src/durable/x.ts":
      'import { DurableObject } from "cloudflare:workers";\n\nvoid DurableObject;\n',
    "src/writes/x.ts": 'import { sql } from "drizzle-orm";\n\nvoid sql;\n',
    "src/api/x.ts": use("../index.ts"),
    "src/compose.ts": `import { x } from "./tiers/x.ts";\n\nexport const near = (): number => x;\n`,
    "src/platform.ts": "export const now = (): number => Date.now();\n",
    "src/core/x.ts": "export const day = (ms: number): Date => new Date(ms);\n",
  });
  expect(output).toMatch(/imports: \d+ files follow the rules/u);
  expect(passed).toBe(true);
});

test.each([
  [
    "core imports a tier",
    "src/core/x.ts",
    use("../tiers/x.ts"),
    "rooms: core may not import tiers/x.ts",
  ],
  [
    "engine imports redis",
    "src/engine/x.ts",
    use("../redis/x.ts"),
    "rooms: engine may not import redis/x.ts",
  ],
  [
    "a tier imports the engine, types only",
    "src/tiers/x.ts",
    'import type { x } from "../engine/x.ts";\n\nexport type X = typeof x;\n',
    "rooms: tiers may not import engine/x.ts",
  ],
  [
    "a tier imports the engine, inside a type",
    "src/tiers/x.ts",
    'export type X = typeof import("../engine/x.ts").x;\n',
    "rooms: tiers may not import engine/x.ts",
  ],
  [
    "redis imports durable dynamically",
    "src/redis/x.ts",
    'export const x = () => import("../durable/x.ts");\n',
    "rooms: redis may not import durable/x.ts",
  ],
  [
    "a dynamic import without a literal",
    "src/redis/x.ts",
    "export const x = (name: string) => import(name);\n",
    "rooms: import(…) must name its module",
  ],
  [
    "durable imports redis",
    "src/durable/x.ts",
    use("../redis/x.ts"),
    "rooms: durable may not import redis/x.ts",
  ],
  [
    "origin imports telemetry",
    "src/origin/x.ts",
    use("../telemetry/x.ts"),
    "rooms: origin may not import telemetry/x.ts",
  ],
  [
    "http imports a tier",
    "src/http/x.ts",
    use("../tiers/x.ts"),
    "rooms: http may not import tiers/x.ts",
  ],
  [
    "ratelimit imports more of redis than the client",
    "src/ratelimit/x.ts",
    use("../redis/x.ts"),
    "rooms: ratelimit may not import redis/x.ts",
  ],
  [
    "writes imports redis",
    "src/writes/x.ts",
    use("../redis/client.ts"),
    "rooms: writes may not import redis/client.ts",
  ],
  [
    "api imports the engine",
    "src/api/x.ts",
    use("../engine/x.ts"),
    "rooms: api may not import engine/x.ts",
  ],
  [
    "the layer imports api",
    "src/compose.ts",
    use("./api/x.ts"),
    "rooms: compose.ts may not import api/x.ts",
  ],
  [
    "config imports more than core",
    "src/config.ts",
    use("./engine/x.ts"),
    "rooms: config.ts may not import engine/x.ts",
  ],
  ["src imports dev", "src/compose.ts", use("../dev/x.ts"), "rooms: src may not import dev/x.ts"],
  [
    "a room that is not listed",
    "src/extras/x.ts",
    "export const x = 1;\n",
    'rooms: "extras" is not a room',
  ],
  ["an import of a missing file", "src/core/x.ts", use("./y.ts"), "resolve: ./y.ts names no file"],
  [
    "hono in the engine",
    "src/engine/x.ts",
    'import type { Hono } from "hono";\n\nexport type X = Hono;\n',
    "packages: hono only in http, ratelimit",
  ],
  [
    "hono in telemetry outside its middleware",
    "src/telemetry/x.ts",
    'import { Hono } from "hono/tiny";\n\nvoid Hono;\n',
    "packages: hono only in http, ratelimit",
  ],
  [
    "cloudflare:workers in http",
    "src/http/x.ts",
    'import { env } from "cloudflare:workers";\n\nvoid env;\n',
    "packages: cloudflare:workers only in durable, keep-alive.ts",
  ],
  [
    "drizzle in the engine",
    "src/engine/x.ts",
    'import { sql } from "drizzle-orm/sql";\n\nvoid sql;\n',
    "packages: drizzle-orm only in origin, writes, api",
  ],
  [
    "neon in http",
    "src/http/x.ts",
    'import { neon } from "@neondatabase/serverless";\n\nvoid neon;\n',
    "packages: @neondatabase/serverless only in origin, writes, api",
  ],
  [
    "upstash in a tier",
    "src/tiers/x.ts",
    'import { Redis } from "@upstash/redis/cloudflare";\n\nvoid Redis;\n',
    "packages: @upstash/redis only in redis, ratelimit",
  ],
  [
    "a package that is not listed",
    "src/http/x.ts",
    'import { randomUUID } from "node:crypto";\n\nvoid randomUUID;\n',
    "packages: node:crypto has no place",
  ],
  [
    "a read of the clock",
    "src/engine/x.ts",
    "export const x = Date.now();\n",
    "purity: Date.now only in platform.ts and worker.ts",
  ],
  [
    "the clock behind globalThis",
    "src/engine/x.ts",
    "export const x = globalThis.Date.now();\n",
    "purity: Date.now",
  ],
  [
    "the clock in brackets",
    "src/engine/x.ts",
    'export const x = Date["now"]();\n',
    "purity: Date.now",
  ],
  [
    "the clock by destructuring",
    "src/engine/x.ts",
    "export const { now } = Date;\n",
    "purity: Date.now",
  ],
  [
    "new Date() without an argument",
    "src/http/x.ts",
    "export const x = new Date();\n",
    "purity: new Date()",
  ],
  ["Date() as text", "src/http/x.ts", "export const x = Date();\n", "purity: Date()"],
  [
    "a timer's clock",
    "src/telemetry/x.ts",
    "export const x = performance.now();\n",
    "purity: performance.now",
  ],
  ["Math.random", "src/core/x.ts", "export const x = Math.random;\n", "purity: Math.random"],
  [
    "a random id",
    "src/api/x.ts",
    "export const x = crypto.randomUUID();\n",
    "purity: crypto.randomUUID",
  ],
  [
    "random bytes",
    "src/redis/x.ts",
    "export const x = crypto.getRandomValues(new Uint8Array(4));\n",
    "purity: crypto.getRandomValues",
  ],
  ["a barrel", "src/core/all.ts", 'export * from "./x.ts";\n', "no-barrels: re-exports ./x.ts"],
  [
    "a barrel in dev",
    "dev/index.ts",
    'export { x } from "./x.ts";\n',
    "no-barrels: re-exports ./x.ts",
  ],
  [
    "a barrel of a whole module in two steps",
    "src/core/all.ts",
    'import * as all from "./x.ts";\n\nexport { all };\n',
    "no-barrels: re-exports all",
  ],
  [
    "a barrel in two steps",
    "src/core/all.ts",
    'import { x } from "./x.ts";\n\nexport { x };\n',
    "no-barrels: re-exports ./x.ts",
  ],
  [
    "a folder named utils",
    "src/core/utils/x.ts",
    "export const x = 1;\n",
    'no-utils: "utils" says nothing',
  ],
  [
    "a file named helpers",
    "dev/helpers.ts",
    "export const x = 1;\n",
    'no-utils: "helpers.ts" says nothing',
  ],
])(
  "`npm run check:imports` fails and names the file for this violation: %s",
  (_fault, path, text, says) => {
    const { passed, output } = imports({ [path]: text });
    expect(passed).toBe(false);
    expect(output).toContain(says);
    expect(output).toContain(path);
    expect(output).toContain("imports: 1 problem\n");
  },
);

test("`npm run check:imports` fails for a circular import, and names each of its files", () => {
  const { passed, output } = imports({
    "src/core/a.ts": 'import type { B } from "./b.ts";\n\nexport type A = B;\n',
    "src/core/b.ts": 'import type { C } from "./c.ts";\n\nexport type B = C;\n',
    "src/core/c.ts": 'import type { A } from "./a.ts";\n\nexport type C = A | undefined;\n',
  });
  expect(passed).toBe(false);
  expect(output).toContain(
    "no-cycles: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts",
  );
});
