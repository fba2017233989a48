import type { Answer } from "./client.ts";
import type { LocalServices } from "./services.ts";

/** The rows of the database, read directly. Answers are compared with them. */
export interface Shop {
  readonly products: ReadonlyMap<number, Readonly<Record<string, unknown>>>;
  readonly users: ReadonlyMap<number, Readonly<Record<string, unknown>>>;
}

export async function readShop(services: LocalServices): Promise<Shop> {
  const [products, users] = await Promise.all([
    services.sql(
      `select id, name, price_cents as "priceCents", category_id as "categoryId", stock from products`,
    ),
    services.sql(`select id, name, city from users`),
  ]);
  return { products: byId(products), users: byId(users) };
}

/**
 * Describes what is wrong with an answer; undefined if nothing is. During any outage a read should
 * get the current row, a 404 if there is no row, or a 503 problem with Retry-After.
 */
export function wrongness(answer: Answer, path: string, shop: Shop): string | undefined {
  const { status, headers, body } = answer;
  if (status === 503) {
    if (headers["content-type"] !== "application/problem+json")
      return `503 as ${headers["content-type"]}`;
    return /^[1-9]\d*$/.test(headers["retry-after"] ?? "") ? undefined : "503 without Retry-After";
  }
  const [, id] = /^\/products\/(\d+)$/.exec(path) ?? [];
  const row = id === undefined ? undefined : shop.products.get(Number(id));
  if (status === 404)
    return id !== undefined && row === undefined ? undefined : "404 for what exists";
  if (status !== 200) return `status ${status}: ${body.slice(0, 200)}`;
  const value: unknown = JSON.parse(body);
  if (id !== undefined) return differs(value, row);
  const { items } = value as { items: readonly unknown[] };
  const rows = path.startsWith("/users") ? shop.users : shop.products;
  for (const item of items) {
    const difference = differs(item, rows.get((item as { id: number }).id));
    if (difference !== undefined) return difference;
  }
  return items.length === 0 ? "an empty list" : undefined;
}

function differs(
  value: unknown,
  row: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  if (row === undefined) return `a row that does not exist: ${JSON.stringify(value)}`;
  for (const [name, expected] of Object.entries(row)) {
    const actual = (value as Record<string, unknown>)[name];
    if (String(actual) !== String(expected))
      return `${name} is ${String(actual)}, not ${String(expected)}`;
  }
  return undefined;
}

function byId(rows: readonly Record<string, unknown>[]): Map<number, Record<string, unknown>> {
  return new Map(rows.map((row) => [Number(row["id"]), row]));
}
