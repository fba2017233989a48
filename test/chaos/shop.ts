import type { Answer } from "../e2e/support/client.ts";
import type { LocalServices } from "../e2e/support/services.ts";
import type { Errand } from "./visit.ts";

/** The products that trials read. Seeded products have lower ids. */
const FIRST_ID = 10_001;
const PRODUCTS = 40_000;
/** The clients come from this many addresses in turn, so that each stays far below every rate limit. */
const ADDRESSES = 2_000;

/** Requests to the reference API, each of a client with few requests so far. */
export interface Shop {
  /** Takes products that no trial has read before. */
  take(count: number): readonly number[];
  product(instance: number, id: number): Errand;
  /** A product that does not exist and that no trial has asked for before. */
  madeUp(instance: number): Errand;
  write(instance: number, method: string, path: string, value: unknown): Errand;
  get(instance: number, path: string): Errand;
}

/** Creates the clients of a product. Each request has the fields of `network` too. */
export function createShop(
  urls: readonly string[],
  adminToken: string,
  network: Readonly<Record<string, string>> = {},
): Shop {
  let sent = 0;
  let taken = 0;
  let made = 0;
  const client = (): Record<string, string> => {
    const number = sent % ADDRESSES;
    sent += 1;
    return {
      ...network,
      "CF-Connecting-IP": `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
    };
  };
  const get: Shop["get"] = (instance, path) => ({
    url: urls[instance] ?? "",
    path,
    headers: client(),
  });
  return {
    get,
    take(count) {
      if (taken + count > PRODUCTS) throw new Error("the trials have used all their products");
      taken += count;
      return Array.from({ length: count }, (_, at) => FIRST_ID + taken - count + at);
    },
    product: (instance, id) => ({
      ...get(instance, `/products/${id}`),
      isRight: ({ status, body }) => status === 200 && idOf(body) === id,
    }),
    madeUp(instance) {
      made += 1;
      return {
        ...get(instance, `/products/${1_000_000 + made}`),
        isRight: ({ status }: Answer) => status === 404,
      };
    },
    write: (instance, method, path, value) => ({
      ...get(instance, path),
      method,
      headers: {
        ...client(),
        Authorization: `Bearer ${adminToken}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(value),
    }),
  };
}

function idOf(body: string): unknown {
  try {
    return (JSON.parse(body) as { id?: unknown }).id;
  } catch {
    return undefined;
  }
}

/** Inserts the products of the trials. Runs before the first read, as if they had always existed. */
export async function stockShop(services: LocalServices): Promise<void> {
  await services.sql(
    `INSERT INTO products (id, name, description, price_cents, category_id, stock)
     SELECT ${FIRST_ID} - 1 + n, 'Product ' || n, 'A product of the trials.', 100, 1 + n % 40, 1
     FROM generate_series(1, ${PRODUCTS}) AS n`,
  );
}
