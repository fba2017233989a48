/** The live events of the stock of products: their topics, and the messages that writes send. */
import { sql, type SQL } from "drizzle-orm";
import type { Product } from "./queries.ts";
import { products } from "./schema.ts";

/** The Redis channel of all changes of stock. */
const CHANNEL = "stock:updates";

/** A change of stock, as listeners and the channel get it. */
export interface StockMessage {
  readonly product_id: number;
  readonly stock: number;
  /** The instant of the change, in ISO 8601. */
  readonly timestamp: string;
  /** Present on the last message of a product that is deleted. Its stock is 0. */
  readonly deleted?: true;
}

export function topicOfStock(productId: number): string {
  return `stock:${productId}`;
}

/** Makes the message for a client that connects to a product whose stock has not changed yet. */
export function messageOf({ id, stock, updatedAt }: Product): StockMessage {
  return { product_id: id, stock, timestamp: updatedAt };
}

const instantOf = (column: SQL) =>
  sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Finds the event of a product that this transaction has written. The condition on `xmin` leaves a
 * row out that the transaction has not changed: its lock does not order the event.
 */
function written(condition: SQL): SQL {
  return sql`
    select 'stock:' || id, ${CHANNEL}, row_to_json(message)::text
    from ${products} cross join lateral (
      select id as product_id, stock, ${instantOf(sql`updated_at`)} as timestamp
    ) as message
    where ${condition} and products.xmin = pg_current_xact_id()::xid`;
}

/** The event of a product whose stock this transaction has set. */
export function stockEventOf(id: number): SQL {
  return written(sql`id = ${id}`);
}

/** The event of the product that this transaction has inserted. */
export const NEW_STOCK_EVENT: SQL = written(
  sql`id = currval(pg_get_serial_sequence('products', 'id'))`,
);

/** The event of a product that this transaction will delete. It locks the row. */
export function deletionEventOf(id: number): SQL {
  return sql`
    select 'stock:' || held.id, ${CHANNEL}, row_to_json(message)::text
    from (select id from ${products} where id = ${id} for update) as held cross join lateral (
      select held.id as product_id, 0 as stock, ${instantOf(sql`now()`)} as timestamp,
        true as deleted
    ) as message`;
}
