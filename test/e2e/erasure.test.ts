/** An erasure over HTTP, on a product with two instances: each has its own memory and Cache API. */
import { describe, expect, it } from "vitest";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";

const ID = 57;
const PATH = `/products/${ID}`;
const ERASE = { tags: [`product:${ID}`], erase: true };

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

interface TierState {
  readonly tier: string;
  readonly state: string;
}

describe("POST /admin/purge with erase on two instances", () => {
  it("an erasure of a tag removes the entry from memory, edge and Redis, and from the memory of the other instance once that reads", async () => {
    const client = product.client();
    const heldBy = async (instance: number): Promise<readonly string[]> => {
      const { body } = await client.write(instance, "GET", `/admin/entry?key=product:${ID}`);
      const { tiers } = JSON.parse(body) as { tiers: readonly TierState[] };
      return tiers.flatMap(({ tier, state }) => (state === "held" ? [tier] : []));
    };
    for (const instance of [0, 1])
      expect((await client.get(instance, PATH)).status, "a read").toBe(200);
    await expect.poll(() => heldBy(0), { timeout: 10_000 }).toEqual(["memory", "edge", "redis"]);
    await expect.poll(() => heldBy(1), { timeout: 10_000 }).toContain("memory");

    const erased = await client.write(0, "POST", "/admin/purge", ERASE);

    expect(erased.status).toBe(202);
    const { invalidation, erasure } = JSON.parse(erased.body) as {
      invalidation: string;
      erasure: { cursor: string; resumeAt: number; shared: { removed: number } };
    };
    expect(invalidation).toBe("done");
    expect(erasure).toMatchObject({
      done: false,
      memory: { elsewhere: "next-sync" },
      shared: { state: "partial" },
    });
    expect(erasure.shared.removed).toBeGreaterThan(0);
    expect(erasure.resumeAt).toBeGreaterThan(Date.now());
    expect(await heldBy(0)).toEqual([]);
    // A read of another product brings the log view of the other instance up to date.
    await expect
      .poll(
        async () => {
          await client.get(1, "/products/58");
          return heldBy(1);
        },
        { timeout: 10_000, interval: 300 },
      )
      .not.toContain("memory");

    const { cursor } = erasure;
    const early = await client.write(1, "POST", "/admin/purge", { ...ERASE, cursor });
    expect(early.status).toBe(202);
    expect(JSON.parse(early.body)).toMatchObject({ erasure: { done: false, cursor } });
    const other = await client.write(1, "POST", "/admin/purge", {
      keys: ["product:58"],
      erase: true,
      cursor,
    });
    // A cursor of other targets begins a new erasure.
    expect(other.status).toBe(202);
    expect(JSON.parse(other.body)).not.toMatchObject({ erasure: { cursor } });
  });
});
