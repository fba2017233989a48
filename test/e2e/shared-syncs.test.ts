import { beforeAll, describe, expect, it } from "vitest";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

const PATH = "/products/1030";

/** How many syncs of all instances came from this source. */
async function syncsFrom(source: "share" | "object" | "redis"): Promise<number> {
  const { body } = await product.client().get(0, "/metrics");
  const label = `cache_log_source="${source}"`;
  const line = body
    .split("\n")
    .find((each) => each.startsWith("cache_log_syncs_total{") && each.includes(label));
  return Number(line?.split(" ").at(-1) ?? 0);
}

describe("the syncs of two busy Worker instances", () => {
  let before: number;
  beforeAll(async () => {
    before = await syncsFrom("object");
  });

  it.each([0, 1])(
    "memory hits on Worker instance %i of `npm run dev` sync with the log object of their region, which runs in the first instance",
    async (instance) => {
      // A client of its own for each round, so that no rate limit ends the traffic.
      const { value } = await until(
        async () => {
          const client = product.client();
          for (let i = 0; i < 10; i++) {
            const { headers, status } = await client.get(instance, PATH);
            expect(status).toBe(200);
            expect(headers["cache-status"]).toBeDefined();
          }
          return syncsFrom("object");
        },
        (count) => count >= before + 3,
        30_000,
      );
      before = value;
    },
  );
});
