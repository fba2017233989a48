/** Plants sources and tests, and shows which of the tests run again on real servers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { serverTests } from "../../tools/test/server-tests.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "server-tests-"));
  plant("src/redis/client.ts", 'import { Redis } from "@upstash/redis/cloudflare";');
  plant("src/sessions/script.ts", "export const SCRIPT = \"return redis.call('GET', KEYS[1])\";");
  plant("src/api/queries.ts", 'import { sql } from "drizzle-orm";');
  plant("src/core/entry.ts", "export const entry = 1;");
  plant("test/engine/entry.test.ts", 'import { entry } from "../../src/core/entry.ts";');
});
afterEach(() => rmSync(root, { recursive: true }));

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** The tests beside those that are planted before each test. */
const chosen = (): readonly string[] => serverTests(root);

it("a test that imports no source that speaks to a server does not run on real servers", () => {
  plant("test/api/pages.test.ts", 'import { entry } from "../../src/core/entry.ts";');
  expect(chosen()).toEqual([]);
});

it("a test in the folder of a room of the layer with a client or a script of a server runs on real servers", () => {
  plant("test/redis/some.test.ts", "");
  plant("test/sessions/some.test.ts", "");
  expect(chosen()).toEqual(["test/redis/some.test.ts", "test/sessions/some.test.ts"]);
});

it.each([
  ["a source with a client of a server", 'import { sql } from "../../src/api/queries.ts";'],
  ["a source with a script of Redis", 'import { SCRIPT } from "../../src/sessions/script.ts";'],
  ["the address of Redis", "const url = env.UPSTASH_REDIS_REST_URL;"],
  ["the address of Postgres", "const url = env.DATABASE_URL;"],
  ["a command to Redis", 'await redisCommand<string>("GET", "key");'],
  ["the engine of Redis", 'const isReal = inject("realRedis");'],
])("a test that uses %s runs on real servers, itself and through a file of test", (_, line) => {
  plant("test/engine/direct.test.ts", line);
  plant("test/engine/through.test.ts", 'import { help } from "../support/first.ts";');
  plant("test/support/first.ts", 'import { more } from "./second.ts";');
  // The two support files import each other.
  plant("test/support/second.ts", `import { help } from "./first.ts";\n${line}`);
  expect(chosen()).toEqual(["test/engine/direct.test.ts", "test/engine/through.test.ts"]);
});

it("a type, a comment and the counts of the gateway do not let a test run on real servers", () => {
  plant("src/http/types.ts", 'import type { SQL } from "drizzle-orm";');
  plant("src/http/comment.ts", '/**\n * import { sql } from "drizzle-orm";\n * redis.call(\n */');
  plant("test/http/types.test.ts", 'import type { A } from "../../src/http/types.ts";');
  plant("test/http/comment.test.ts", 'import { b } from "../../src/http/comment.ts";');
  plant("test/support/gateway.ts", "await fetch(env.UPSTASH_REDIS_REST_URL);");
  plant("test/http/counts.test.ts", 'import { countRedis } from "../support/gateway.ts";');
  expect(chosen()).toEqual([]);
});

it("the real tests of the scripts, the shared suites of the stores, the races, the rate limits and the writes run on real servers", () => {
  expect(serverTests()).toEqual(
    expect.arrayContaining([
      "test/adapters/drizzle.test.ts",
      "test/api/operations.test.ts",
      "test/races/load.test.ts",
      "test/ratelimit/strict.test.ts",
      "test/redis/log.test.ts",
      "test/redis/store.test.ts",
      "test/writes/mutate.test.ts",
    ]),
  );
});
