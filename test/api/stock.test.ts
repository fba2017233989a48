import { describe, expect, it } from "vitest";
import { openSocket, openStream } from "../support/listeners.ts";
import { createClient, problemOf, type Client } from "./client.ts";

const PRODUCT = { name: "Brass Hook", description: "", priceCents: 900, categoryId: 1, stock: 3 };

interface Made {
  readonly id: number;
  readonly updatedAt: string;
}

async function newProduct(client: Client): Promise<Made> {
  const response = await client.write("POST", "/products", PRODUCT);
  expect(response.headers.get("X-Live-Events")).toBe("done");
  return response.json<Made>();
}

const setStock = (client: Client, id: number, stock: number) =>
  client.write("PATCH", `/products/${id}/stock`, { stock });

const open = { stream: openStream, socket: openSocket };
const pathOf = { stream: "events", socket: "socket" };
const TRANSPORTS = ["stream", "socket"] as const;

describe("live stock", () => {
  it.each(TRANSPORTS)(
    "a listener over a %s gets the stock at once, and then every change in order",
    async (transport) => {
      const client = createClient();
      const { id, updatedAt } = await newProduct(client);
      const path = `/stock/${id}/${pathOf[transport]}`;
      const listener = await open[transport](client.isolate, path);
      expect(await listener.heard(1)).toEqual([
        {
          event: "snapshot",
          id: expect.stringMatching(/^[0-9a-f]{12}-\d+$/),
          data: { product_id: id, stock: 3, timestamp: updatedAt },
        },
      ]);
      for (const stock of [8, 7, 6])
        expect((await setStock(client, id, stock)).headers.get("X-Live-Events")).toBe("done");
      const events = await listener.heard(4);
      expect(events.map(({ event, data }) => [event, data.stock])).toEqual([
        ["snapshot", 3],
        ["update", 8],
        ["update", 7],
        ["update", 6],
      ]);
      await listener.close();
    },
  );
});

void problemOf;
