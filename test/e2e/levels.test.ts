/** The level of service of two running Worker instances, while Redis or SQL is away. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

/** The times that docs/operations promises, doubled: the instances share a busy machine with the tests. */
const WORSE_MS = 10_000;
const BETTER_MS = 20_000;
/** Metrics of all isolates reach /metrics within this time. */
const METRICS_MS = 30_000;
const SETTLED_MS = 3_000;
const INSTANCES = [0, 1] as const;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));
afterEach(() => product.services.heal());

const json = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>;
// Each request has a client of its own, because /health limits the requests of an address.
const get = (instance: number, path: string) => product.client().get(instance, path);

/** Waits until both instances report the level. Returns the time until the slower one did. */
async function reach(level: string, withinMs: number): Promise<number> {
  const reached = await Promise.all(
    INSTANCES.map((instance) =>
      until(
        async () => json(await get(instance, "/health"))["level"],
        (reported) => reported === level,
        withinMs,
        200,
      ),
    ),
  );
  return Math.round(Math.max(...reached.map(({ tookMs }) => tookMs)));
}

/** The number of changes to each level, of all isolates since their start. */
async function changes(): Promise<Record<string, number>> {
  // An isolate sends its metrics with its requests.
  for (const instance of INSTANCES) await get(instance, "/health");
  const { body } = await product.client().write(0, "GET", "/metrics");
  const lines = body.matchAll(
    /^cache_level_changes_total\{[^}]*cache_level="(\w+)"[^}]*\} (\d+)/gm,
  );
  const counted: Record<string, number> = { normal: 0, degraded: 0, minimal: 0 };
  for (const [, level = "", count] of lines) counted[level] = (counted[level] ?? 0) + Number(count);
  return counted;
}

/** The same, once it stays the same for longer than an isolate keeps its metrics. */
async function settledChanges(): Promise<Record<string, number>> {
  let last = await changes();
  for (;;) {
    await pause(SETTLED_MS);
    const now = await changes();
    if (JSON.stringify(now) === JSON.stringify(last)) return now;
    last = now;
  }
}

/** Expects one change to the level and one back to normal, in each instance. */
async function expectOneChangeEach(before: Record<string, number>, level: string): Promise<void> {
  const expected = { ...before };
  for (const each of [level, "normal"]) expected[each] = (expected[each] ?? 0) + INSTANCES.length;
  await until(changes, (now) => (now["normal"] ?? 0) >= (expected["normal"] ?? 0), METRICS_MS, 500);
  expect(await settledChanges()).toEqual(expected);
}

describe("the level of service over HTTP", () => {
  it("while Redis hangs, both Worker instances become degraded once and recommend popular products, and /health keeps answering; afterwards they become normal once", async () => {
    const path = "/products/1801/recommendations";
    await reach("normal", BETTER_MS);
    for (const instance of INSTANCES) await get(instance, path);
    const before = await settledChanges();

    await product.services.fault("redis", { hang: "before" });
    const degradedMs = await reach("degraded", WORSE_MS);
    const tookMs: number[] = [];
    for (let i = 0; i < 100; i++) {
      const { status, startedAt, endedAt } = await get(i % 2, "/health");
      expect(status).toBe(200);
      tookMs.push(endedAt - startedAt);
    }
    const p99 = tookMs.toSorted((a, b) => a - b)[98] ?? Infinity;
    expect(p99).toBeLessThan(1_000);
    for (const instance of INSTANCES) {
      const recommended = await get(instance, path);
      expect(recommended.status).toBe(200);
      expect(json(recommended)).toMatchObject({ basis: "popular" });
    }

    await product.services.heal();
    const normalMs = await reach("normal", BETTER_MS);
    console.info(
      `Redis hangs: degraded after ${degradedMs} ms, normal after ${normalMs} ms, p99 of /health ${p99} ms`,
    );
    await expectOneChangeEach(before, "degraded");
    expect(json(await get(0, path))).toMatchObject({ basis: "product" });
  });

  it("while SQL is away, both Worker instances become minimal once, refuse a write without sending it or invalidating anything, and serve what is stored; afterwards they become normal once and accept the write", async () => {
    const path = "/products/1802";
    await reach("normal", BETTER_MS);
    for (const instance of INSTANCES) await get(instance, path);
    const stored = (await get(0, path)).body;
    const before = await settledChanges();

    await product.services.fault("sql", { status: 500 });
    const minimalMs = await reach("minimal", WORSE_MS);
    for (const instance of INSTANCES) {
      const { value: refused, used } = await product.services.usedBy(() =>
        product.client().write(instance, "PATCH", `${path}/stock`, { delta: 1 }),
      );
      expect(refused.status).toBe(503);
      expect(json(refused)).toMatchObject({ type: "urn:strata:problem:origin-unavailable" });
      // The checks of the database go on, but they name no table.
      expect(Object.values(used.tables).every((queries) => queries === 0)).toBe(true);
      const tookMs = refused.endedAt - refused.startedAt;
      expect(tookMs).toBeLessThan(1_000);
      console.info(`SQL is away: minimal after ${minimalMs} ms, a write refused in ${tookMs} ms`);
    }
    for (const instance of INSTANCES) {
      const warm = await get(instance, path);
      expect([warm.status, warm.headers["x-cache-status"], warm.body]).toEqual([
        200,
        "HIT",
        stored,
      ]);
      const recommended = await get(instance, `${path}/recommendations`);
      expect([recommended.status, json(recommended)]).toEqual([200, { basis: "none", items: [] }]);
      expect(recommended.headers["cache-control"]).toBe("no-store");
    }

    await product.services.heal();
    const normalMs = await reach("normal", BETTER_MS);
    console.info(`SQL is back: normal after ${normalMs} ms`);
    await expectOneChangeEach(before, "minimal");
    const written = await product.client().write(0, "PATCH", `${path}/stock`, { delta: 1 });
    expect([written.status, written.headers["x-invalidation"]]).toEqual([200, "done"]);
  });
});
