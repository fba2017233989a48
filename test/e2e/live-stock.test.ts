/** Live stock over real connections, on two instances. */
import { describe, expect, it } from "vitest";
import { openListener } from "./support/live-listener.ts";
import type { Product } from "./support/product.ts";
import { products } from "./support/shared-products.ts";

const LISTENERS = 500;
const UPDATES = 200;
const WRITERS = 4;
const OPEN_AT_ONCE = 25;
/** Listeners of one address: below the rate limit of an address, with their reconnects. */
const PER_ADDRESS = 10;
const RECONNECT_EVERY = 60;

let product: Product;
products.beforeAll(({ shop }) => void (product = shop));

describe("live stock on two Worker instances", () => {
  it("each of 500 stream and WebSocket listeners gets every one of 200 stock updates in order, while four writers use both instances and 100 listeners reconnect between the updates", async () => {
    const admin = product.client();
    const made = await admin.write(0, "POST", "/products", {
      name: "Live Hook",
      description: "",
      priceCents: 1,
      categoryId: 1,
      stock: UPDATES,
    });
    const { id } = JSON.parse(made.body) as { id: number };

    const openOne = (n: number) =>
      openListener({
        url: product.urls[n % 2] ?? "",
        productId: id,
        transport: n % 4 < 2 ? "stream" : "socket",
        address: `198.19.0.${Math.floor(n / PER_ADDRESS)}`,
      });
    const listeners = [];
    for (let from = 0; from < LISTENERS; from += OPEN_AT_ONCE)
      listeners.push(
        ...(await Promise.all(Array.from({ length: OPEN_AT_ONCE }, (_, i) => openOne(from + i)))),
      );

    const restless = listeners.filter((_, n) => n % 5 === 0);
    const reconnecting = restless.map(async (listener, n) => {
      for (let after = n % RECONNECT_EVERY; after < UPDATES; after += RECONNECT_EVERY) {
        await listener.heard(after);
        await listener.reconnect();
      }
    });
    // Each write takes one away, so the stock counts down in the order of the commits, whoever wrote.
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const client = product.client();
        for (let i = 0; i < UPDATES / WRITERS; i++) {
          const answer = await client.write(writer % 2, "PATCH", `/products/${id}/stock`, {
            delta: -1,
          });
          expect(answer.status).toBe(200);
        }
      }),
    );
    await Promise.all(reconnecting);
    await Promise.all(listeners.map((listener) => listener.heard(UPDATES)));

    const expected = Array.from({ length: UPDATES }, (_, i) => UPDATES - 1 - i);
    for (const { stocks } of listeners) expect(stocks).toEqual(expected);
    for (const { others } of listeners) expect(others).toEqual(["snapshot"]);
    for (const listener of listeners) listener.close();
  }, 240_000);
});
