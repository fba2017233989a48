import { describe, expect, it } from "vitest";
import { DefinitionError } from "../../src/core/faults.ts";
import {
  definePolicy,
  MAX_LIFETIME_MS,
  policyOf,
  type PolicyOptions,
} from "../../src/core/policy.ts";
import { MAX_TAGS } from "../../src/core/invalidation-key.ts";

describe("definePolicy", () => {
  it("a policy needs only the option `freshFor`, and definePolicy() sets a default for every other option", () => {
    expect(definePolicy({ freshFor: "1h" })).toEqual({
      freshForMs: 3_600_000,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      negativeForMs: 60_000,
      jitter: 0.1,
      tags: [],
      coherenceMs: 1_000,
      flight: "region",
      flightTimeoutMs: 5_000,
      tiers: new Set(["memory", "edge", "redis"]),
      originTimeoutMs: 5_000,
      onUnreachable: "serve",
      unreachableForMs: 60_000,
    });
  });

  it("definePolicy() lowers the option `flightTimeout` to `originTimeout` if `flightTimeout` is longer", () => {
    const waits = (flightTimeout: string, originTimeout: string): number =>
      definePolicy({ freshFor: "1h", flightTimeout, originTimeout } as PolicyOptions)
        .flightTimeoutMs;
    expect([waits("1s", "30s"), waits("1m", "30s")]).toEqual([1_000, 30_000]);
  });

  it("the policy option `negativeFor` is `freshFor` by default, but at most 1 minute", () => {
    expect(definePolicy({ freshFor: "10s" }).negativeForMs).toBe(10_000);
    expect(definePolicy({ freshFor: "10s", negativeFor: 0 }).negativeForMs).toBe(0);
    expect(definePolicy({ freshFor: "10s", negativeFor: "20s" }).negativeForMs).toBe(20_000);
  });

  const bad: readonly [string, unknown][] = [
    ["freshFor", 0],
    ["freshFor", -1],
    ["freshFor", "soon"],
    ["freshFor", undefined],
    ["freshFor", "8d"],
    ["staleWhileRevalidate", "x"],
    ["staleIfError", -5],
    ["negativeFor", "1 minute"],
    ["jitter", -0.1],
    ["jitter", 1.1],
    ["jitter", Number.NaN],
    ["tags", [""]],
    ["tags", ["a\nb"]],
    ["tags", Array.from({ length: MAX_TAGS + 1 }, (_, i) => `tag${i}`)],
    ["coherence", "fast"],
    ["flight", "world"],
    ["tiers", ["memory", "disk"]],
    ["tiers", { disk: "1m" }],
    ["tiers.memory", { memory: "soon" }],
    ["tiers.redis", { redis: "1m" }],
    ["originTimeout", 0],
    ["originTimeout", "x"],
    ["onUnreachable", "ignore"],
    ["unreachableFor", Number.NaN],
  ];
  it.each(bad)(
    "definePolicy() rejects a policy with %s = %j with an error that names the field",
    (field, value) => {
      const [option = ""] = field.split(".");
      const options = { freshFor: "1m", [option]: value } as unknown as PolicyOptions;
      expect(() => definePolicy(options)).toThrow(DefinitionError);
      expect(() => definePolicy(options)).toThrow(expect.objectContaining({ field }));
    },
  );

  it("definePolicy() rejects a lifetime that exceeds 7 days together with its stale windows", () => {
    expect(definePolicy({ freshFor: MAX_LIFETIME_MS }).freshForMs).toBe(MAX_LIFETIME_MS);
    expect(() => definePolicy({ freshFor: "6d", staleIfError: "2d" })).toThrow(/7 days/);
    expect(() => definePolicy({ freshFor: "6d", staleWhileRevalidate: "2d" })).toThrow(/7 days/);
    expect(() => definePolicy({ freshFor: "1m", negativeFor: "6d", staleIfError: "2d" })).toThrow(
      /7 days/,
    );
  });

  it("the option `tiers` as an object limits the copies of its tiers, and leaves out a tier that is false", () => {
    expect(definePolicy({ freshFor: "1h", tiers: { memory: "10s", edge: "1m" } })).toMatchObject({
      tiers: new Set(["memory", "edge", "redis"]),
      memoryForMs: 10_000,
      edgeForMs: 60_000,
    });
    const policy = definePolicy({ freshFor: "1h", tiers: { memory: true, edge: false } });
    expect([[...policy.tiers], policy.memoryForMs]).toEqual([["memory", "redis"], undefined]);
  });

  it("policyOf() checks one object of options once, and returns a policy as it is", () => {
    const options = { freshFor: "1h" } as const;
    const policy = policyOf(options);
    expect(policyOf(options)).toBe(policy);
    expect(policyOf(policy)).toBe(policy);
    expect(policyOf({ ...options })).not.toBe(policy);
  });

  it("a policy does not change when the caller changes the options object after the call of definePolicy()", () => {
    const tags = ["products"];
    const policy = definePolicy({ freshFor: "1m", tags });
    tags.push("a\nb");
    expect(policy.tags).toEqual(["products"]);
    expect(Object.isFrozen(policy)).toBe(true);
  });
});
