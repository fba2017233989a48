/** What clients of the reference API see while the breaker of SQL is open. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { interceptSql, type SqlNetwork } from "../failures/sql-network.ts";
import { createClient, problemOf, type Client } from "./client.ts";

let sql: SqlNetwork;

beforeEach(() => {
  sql = interceptSql();
});
afterEach(() => sql.restore());

async function breakSql(client: Client): Promise<void> {
  sql.behaviour = "fails";
  for (let id = 1; id <= 10; id++) await client.send(`/products/${1_700 + id}`);
}

const unavailable = { status: 503, type: expect.stringContaining("origin-unavailable") as unknown };

describe("the reference API while the breaker of SQL is open", () => {
  it("a read that no tier can answer gets a 503 with Retry-After, and no query is sent", async () => {
    const client = createClient();
    await breakSql(client);
    sql.sent.length = 0;
    const response = await client.send("/products/1750");
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await problemOf(response)).toMatchObject(unavailable);
    expect(sql.attempts()).toBe(0);
  });

  it("a write gets a 503 `origin-unavailable` with Retry-After, and not `write-unconfirmed`, since it was not made", async () => {
    const client = createClient();
    await breakSql(client);
    sql.sent.length = 0;
    const response = await client.write("PATCH", "/products/1760/stock", { delta: 1 });
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await problemOf(response)).toMatchObject(unavailable);
    expect(sql.attempts()).toBe(0);
  });
});
