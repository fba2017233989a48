import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { key, keysOf } from "../../src/core/key.ts";
import { definePolicy } from "../../src/core/policy.ts";
import { createTestIsolate, uniqueNamespace } from "../support/isolate.ts";

const policy = definePolicy({ freshFor: "1h" });
const part = fc.oneof(fc.string(), fc.constantFrom("@a", "a:b", ":", "%40a", "@a:b", ".v2"));

describe("keysOf", () => {
  it("keysOf() writes the version and the tenant as readable text into a key, such as cart.v2:@u7:1", () => {
    expect(keysOf({ version: "v2", tenant: "u7" })("cart", 1)).toBe("cart.v2:@u7:1");
    expect(keysOf({ tenant: "u:7" })("cart", 1)).toBe("cart:@u%3A7:1");
    expect(keysOf({})("cart", 1)).toBe(key("cart", 1));
  });

  it("keysOf() never returns equal keys for different tenants, versions or parts", () => {
    const tenant = fc.option(
      part.filter((text) => text !== ""),
      { nil: undefined },
    );
    const version = fc.option(fc.constantFrom("v1", "v2"), { nil: undefined });
    const scoped = fc.record({
      tenant,
      version,
      parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    });
    const name = ({
      tenant: who,
      version: which,
      parts,
    }: typeof scoped extends fc.Arbitrary<infer T> ? T : never) =>
      keysOf({
        ...(who !== undefined && { tenant: who }),
        ...(which !== undefined && { version: which }),
      })("cart", ...parts);
    fc.assert(
      fc.property(scoped, scoped, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(name(one) === name(other)).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([{ version: "" }, { version: "a:b" }, { tenant: "" }])(
    "keysOf() rejects the scope %j with an error that names the field",
    (scope) => {
      expect(() => keysOf(scope)("cart", 1)).toThrow(Object.keys(scope)[0]);
    },
  );

  it("two tenants never read each other's entries, and a purge of one tenant's prefix keeps the other tenant's entries", async () => {
    const isolate = createTestIsolate({ namespace: uniqueNamespace() });
    const cart = async (who: string, load: () => Promise<string>) =>
      (await isolate.request().read(keysOf({ tenant: who })("cart", 1), policy, load)).value;

    expect(await cart("ada", async () => "ada's")).toBe("ada's");
    expect(await cart("bob", async () => "bob's")).toBe("bob's");
    expect(await cart("ada", async () => "new")).toBe("ada's");

    await isolate.settle();
    await isolate.layer.coherence.invalidate(["p:cart:@ada:"], isolate.request().ctx);
    expect(await cart("ada", async () => "new")).toBe("new");
    expect(await cart("bob", async () => "new")).toBe("bob's");
  });

  it("a read with one key version does not find entries that another key version stored", async () => {
    const isolate = createTestIsolate({ namespace: uniqueNamespace() });
    const read = async (version: string) =>
      (await isolate.request().read(keysOf({ version })("cart", 1), policy, async () => version))
        .value;
    expect([await read("v1"), await read("v2"), await read("v1")]).toEqual(["v1", "v2", "v1"]);
  });
});
