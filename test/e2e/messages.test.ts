import { describe, expect, it } from "vitest";
import type { Answer } from "./support/client.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";
import { until } from "./support/waiting.ts";

/** The batch timeout of 1 s, and an allowance for a busy machine. */
const APPLIED_MS = 30_000;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

const json = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>;

describe("messages over HTTP", () => {
  it("views on both Worker instances are shown at once by each, and the queue brings them to Postgres", async () => {
    const id = 1_911;
    const client = product.client();
    for (let i = 0; i < 6; i++) {
      const sent = await client.ask(i % 2, "/events/views", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ productId: id }),
      });
      expect(sent.status).toBe(202);
    }
    for (const instance of [0, 1]) {
      const shown = await until(
        async () => json(await client.get(instance, `/products/${id}/views`)),
        ({ views }) => views === 6,
        APPLIED_MS,
      );
      expect(shown.value).toEqual({ productId: id, views: 6 });
    }
    const stored = () =>
      product.services.sql(`select views from product_views where product_id = ${id}`);
    await until(stored, (rows) => Number(rows[0]?.["views"]) === 6, APPLIED_MS);
    expect(json(await client.get(0, `/products/${id}/views`))).toMatchObject({ views: 6 });
  });

  it("an order whose payment is asked for on both Worker instances at once is charged once", async () => {
    const client = product.client();
    const path = "/orders/1912/payment";
    const asked = await Promise.all(
      [0, 1, 0, 1].map((at) => client.write(at, "POST", path, { amountCents: 250 })),
    );
    for (const { status } of asked) expect([200, 202]).toContain(status);
    const charged = await until(
      () => client.write(0, "GET", path),
      ({ status }) => status === 200,
      APPLIED_MS,
    );
    expect(json(charged.value)).toMatchObject({ status: "charged", amountCents: 250 });
    const again = await client.write(1, "POST", path, { amountCents: 250 });
    expect([again.status, again.body]).toEqual([200, charged.value.body]);
    const rows = await product.services.sql("select * from payments where order_id = 1912");
    expect(rows).toHaveLength(1);
  });

  it("POST /products with an Idempotency-Key is answered with the stored answer by the other Worker instance", async () => {
    const client = product.client();
    const created = { name: "Keyed", description: "", priceCents: 1, categoryId: 1, stock: 1 };
    const ask = (instance: number) =>
      client.ask(instance, "/products", {
        method: "POST",
        headers: {
          Authorization: `Bearer ${product.adminToken}`,
          "Content-Type": "application/json",
          "Idempotency-Key": "e2e-1913",
        },
        body: JSON.stringify(created),
      });
    const [first, again] = [await ask(0), await ask(1)];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toBe(first.body);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    await client.write(0, "DELETE", `/products/${String(json(first)["id"])}`);
  });
});
