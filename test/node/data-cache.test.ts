import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../../src/entries/data.ts";
import { createStrata, definePolicy, key } from "../../src/entries/data-node.ts";

const POLICY = definePolicy({ freshFor: "5m", tags: ["greetings"] });

describe("the data cache in Node, without the Cache API", () => {
  it("a value is loaded once, answers from memory, and ends with an invalidation of its tag", async () => {
    const events: CacheEvent[] = [];
    const strata = createStrata({ namespace: "shop", onEvent: (event) => void events.push(event) });
    let loads = 0;
    const read = async () => {
      const found = await strata.open().read(key("greeting", "ada"), POLICY, async () => ++loads);
      return [found.status, found.value];
    };
    expect(await read()).toEqual(["miss", 1]);
    expect(await read()).toEqual(["hit-memory", 1]);
    await strata.open().invalidateTags("greetings");
    expect(await read()).toEqual(["miss", 2]);
    expect(events.filter(({ type }) => type === "fault.raise")).toEqual([]);
  });

  it("a wrapped function, set, peek and touch work as in workerd", async () => {
    const strata = createStrata({ namespace: "shop" });
    const square = strata.wrap(async (n: number) => n * n, { name: "square", policy: POLICY });
    expect([await square(3), await square(3)]).toEqual([9, 9]);
    const cache = strata.open();
    expect(await cache.set(key("n", 1), "one", POLICY)).toBe(true);
    expect(cache.peek(key("n", 1), POLICY)?.value).toBe("one");
    expect(await cache.touch(key("n", 1), POLICY, "1h")).toBe(true);
  });
});
