import { describe, expect, it } from "vitest";
import { readOptions } from "../../dev/supervisor/options.ts";

describe("the environment of npm run dev", () => {
  it("every variable of npm run dev has a default", () => {
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

  it("npm run dev gives the Worker the Worker variables of the environment, and no other variables", () => {
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

  it("npm run dev reports an invalid environment with all its errors at once", () => {
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

  it("npm run dev refuses a services port that is also a Worker's port", () => {
    expect(() => readOptions({ PORT: "8789", INSTANCES: "2" })).toThrow(
      "SERVICES_PORT is 8790, which is also the port of Worker instance 2",
    );
  });
});
