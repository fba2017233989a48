import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { ORIGIN_BREAKER } from "../../src/compose/origin-breaker.ts";
import { readConfig } from "../../src/config.ts";

it("the breakers of an HTTP origin and of a database of the data cache have the defaults of the whole Worker", () => {
  const { originFailures, failures, slowRate, slowRedisMs, ...rates } =
    readConfig(env).settings.breaker;
  expect(ORIGIN_BREAKER).toEqual({ failures: originFailures, slowRate: undefined, ...rates });
  // Those of Redis alone.
  expect([failures, slowRate, slowRedisMs]).not.toContain(undefined);
});
