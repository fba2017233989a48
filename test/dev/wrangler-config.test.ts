import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Services } from "../../dev/services.ts";
import { localVariables, writeVariables } from "../../dev/supervisor/worker-variables.ts";
import {
  cronsOf,
  furtherInstance,
  readWranglerConfig,
} from "../../dev/supervisor/wrangler-config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "strata-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("furtherInstance", () => {
  it("a second Worker instance has the same settings under another name, and uses the Durable Objects of the first instance", async () => {
    const file = join(folder, "wrangler.toml");
    writeFileSync(
      file,
      `name = "shop"
main = "src/worker.ts"
compatibility_date = "2026-11-02"
[vars]
KIND = "kept"
[assets]
directory = "public"
[alias]
"a-package" = "./build/a.mjs"
"another" = "a-package"
[[durable_objects.bindings]]
name = "A"
class_name = "ClassA"
[[durable_objects.bindings]]
name = "B"
class_name = "ClassB"
script_name = "elsewhere"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["ClassA"]
[triggers]
crons = ["* * * * *", "0 0 * * *", "* * * * *"]
`,
    );
    const config = await readWranglerConfig(file);
    expect(cronsOf(config)).toEqual(["* * * * *", "0 0 * * *"]);
    expect(furtherInstance(config, 2)).toEqual({
      name: "shop-2",
      main: join(folder, "src/worker.ts"),
      compatibility_date: "2026-11-02",
      vars: { KIND: "kept" },
      assets: { directory: join(folder, "public") },
      alias: { "a-package": join(folder, "build/a.mjs"), another: "a-package" },
      durable_objects: {
        bindings: [
          { name: "A", class_name: "ClassA", script_name: "shop" },
          { name: "B", class_name: "ClassB", script_name: "elsewhere" },
        ],
      },
    });
  });
});

describe("the variables of a Worker", () => {
  const services = {
    redisUrl: "http://local/redis",
    redisToken: "local-token",
    sqlEndpoint: "http://local/sql",
    databaseUrl: "postgres://local",
  } as Services;

  it("without remote services, a Worker of `npm run dev` gets the addresses of the local services and a random admin token", () => {
    expect(localVariables(services, {})).toMatchObject({
      DATABASE_URL: "postgres://local",
      NEON_ENDPOINT: "http://local/sql",
      UPSTASH_REDIS_REST_URL: "http://local/redis",
      UPSTASH_REDIS_REST_TOKEN: "local-token",
      ADMIN_TOKEN: expect.stringMatching(/^[0-9a-f]{32}$/),
      STRATA_DEV: "1",
    });
  });

  it("a Worker that uses a remote database and a remote Redis gets no variables of the local services", () => {
    const remote = localVariables(services, {
      DATABASE_URL: "postgres://neon",
      UPSTASH_REDIS_REST_URL: "https://upstash",
    });
    expect(remote).not.toHaveProperty("NEON_ENDPOINT");
    expect(remote).not.toHaveProperty("UPSTASH_REDIS_REST_TOKEN");
  });

  it("a Worker's variables are written to a file that only its owner can read, and a value that contains all three kinds of quotes is rejected", () => {
    const file = join(folder, "variables.env");
    writeFileSync(file, "", { mode: 0o644 });
    writeVariables(file, { PLAIN: "a b", QUOTED: "it's", DOLLAR: "$HOME" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toBe("PLAIN='a b'\nQUOTED=\"it's\"\nDOLLAR='\\$HOME'\n");
    expect(() => writeVariables(file, { BAD: "'\"`" })).toThrow("BAD");
  });
});
