import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readOptions } from "../../dev/supervisor/options.ts";

describe("the environment of npm run dev", () => {
  it("`npm run dev` has a default for each of its environment variables", () => {
    expect(readOptions({})).toEqual({
      port: 8_787,
      instances: 1,
      servicesPort: 8_790,
      redis: "auto",
      postgres: "embedded",
      seed: true,
      keep: false,
      cronSeconds: 60,
      workerVariables: {},
    });
  });

  it("`npm run dev` passes the environment variables that a Worker uses to the Worker, and no other variables", () => {
    const worker = {
      DATABASE_URL: "a",
      ADMIN_TOKENS: "ci:purge:e",
      ORIGIN_AT_ROOT: "1",
      ORIGIN_SHARING: "rfc",
      OTEL_SERVICE_NAME: "b",
      LLM_API_KEY: "c",
      STRATA_X: "d",
    };
    expect(
      readOptions({ ...worker, HOME: "/root", NPM_TOKEN: "e", ADMIN_TOKEN: "" }).workerVariables,
    ).toEqual(worker);
  });

  it("`npm run dev` passes every variable that the configuration of the Worker reads", () => {
    const source = readFileSync(join(import.meta.dirname, "../../src/config/bindings.ts"), "utf8");
    const names = [...source.matchAll(/^ {2}readonly ([A-Z][A-Z_]+)\?: string;$/gm)].map(
      ([, name = ""]) => name,
    );
    expect(names).toContain("CORS_ORIGINS");
    const set = Object.fromEntries(names.map((name) => [name, "value"]));
    expect(readOptions(set).workerVariables).toEqual(set);
  });

  it("`npm run dev` reports all invalid environment variables in one error", () => {
    const read = (): unknown =>
      readOptions({
        PORT: "99999",
        SERVICES_PORT: "x",
        INSTANCES: "17",
        LOCAL_POSTGRES: "sqlite",
        NO_SEED: "true",
        CRON_SECONDS: "-1",
      });
    for (const name of [
      "PORT",
      "SERVICES_PORT",
      "INSTANCES",
      "LOCAL_POSTGRES",
      "NO_SEED",
      "CRON_SECONDS",
    ]) {
      expect(read).toThrow(`${name} is "`);
    }
  });

  it("`npm run dev` rejects a SERVICES_PORT that is also the port of a Worker", () => {
    expect(() => readOptions({ PORT: "8789", INSTANCES: "2" })).toThrow(
      "SERVICES_PORT is 8790, which is also the port of Worker instance 2",
    );
  });
});
