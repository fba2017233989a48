/**
 * Tests Neon's SQL over HTTP, as `@neondatabase/serverless` sends it and Neon's proxy answers it.
 */
import { neon } from "@neondatabase/serverless";
import { eq, sql as statement } from "drizzle-orm";
import { drizzle } from "drizzle-orm/neon-http";
import { boolean, integer, jsonb, pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DATABASE, openNeon } from "./support/neon.ts";
import type { TestNeon } from "./support/neon.ts";
import { availableSqlEngines } from "./support/postgres.ts";

const raw = { "neon-raw-text-output": "true", "neon-array-mode": "true" };

const things = pgTable("gateway_things", {
  id: serial().primaryKey(),
  name: text().notNull().unique(),
  amount: integer().default(0).notNull(),
  live: boolean().default(true).notNull(),
  extra: jsonb(),
  at: timestamp({ withTimezone: true }).defaultNow().notNull(),
});

describe.each(availableSqlEngines())("the Neon gateway over $name", (choice) => {
  let neonGateway: TestNeon;
  const sql = neon(DATABASE);
  const db = drizzle({ client: neon(DATABASE) });

  beforeAll(async () => {
    neonGateway = await openNeon(choice);
  });
  afterAll(() => neonGateway.close());
  beforeEach(() => neonGateway.reset());

  describe("one query", () => {
    it("the local Neon gateway returns values of every common Postgres type to the Neon driver", async () => {
      const rows =
        await sql`SELECT ${"text"} AS s, ${5}::int AS i, ${"9007199254740993"}::int8 AS big, ${true}::bool AS b,
        ${null}::text AS n, ${[1, 2]}::int[] AS list, ${JSON.stringify({ a: [1] })}::jsonb AS j, ${1.5}::float8 AS f,
        ${"1.10"}::numeric AS d, ${"2026-01-02"}::date AS day, ${"\\x00ff"}::bytea AS raw`;
      expect(rows).toEqual([
        {
          s: "text",
          i: 5,
          big: "9007199254740993",
          b: true,
          n: null,
          list: [1, 2],
          j: { a: [1] },
          f: 1.5,
          d: "1.10",
          // drizzle, once it is imported, keeps the driver from converting these to dates.
          day: "2026-01-02",
          raw: Buffer.from([0, 255]),
        },
      ]);
    });

    it("the local Neon gateway returns the command, row count and field types if the Neon driver has the option `fullResults`", async () => {
      await sql`INSERT INTO gateway_things (name) VALUES ('a'), ('b')`;
      const full = neon(DATABASE, { fullResults: true, arrayMode: true });
      const result = await full`UPDATE gateway_things SET amount = 1 RETURNING name`;
      expect(result).toMatchObject({ command: "UPDATE", rowCount: 2, rows: [["a"], ["b"]] });
      expect(result.fields).toMatchObject([{ name: "name", dataTypeID: 25 }]);
      expect(await full`CREATE TEMP TABLE unused (x int)`).toMatchObject({
        command: "CREATE",
        rowCount: null,
        rows: [],
      });
    });

    it("the local Neon gateway returns rows as arrays of raw text if header fields of the request ask for it", async () => {
      const query = { query: "SELECT $1::int AS n, NULL AS x, true AS b", params: ["7"] };
      expect(await neonGateway.post(query, raw)).toEqual([
        200,
        expect.objectContaining({
          command: "SELECT",
          rowCount: 1,
          rowAsArray: true,
          rows: [["7", null, "t"]],
          fields: [
            expect.objectContaining({ name: "n", dataTypeID: 23, format: "text" }),
            expect.objectContaining({ name: "x" }),
            expect.objectContaining({ name: "b", dataTypeID: 16 }),
          ],
        }),
      ]);
    });

    it("the local Neon gateway returns each row as a JSON object if the request has no header fields of the Neon driver", async () => {
      const [, result] = await neonGateway.post({
        query: "SELECT 7 AS n, true AS b, 8::int8 AS big, '{\"a\":1}'::json AS j, 1.5::float4 AS f",
      });
      expect(result.rows).toEqual([{ n: 7, b: true, big: "8", j: { a: 1 }, f: 1.5 }]);
    });

    it("the local Neon gateway passes JSON parameters of a query to Postgres in the text format of Postgres", async () => {
      const query = {
        query:
          "SELECT $1::int + 1 AS n, $2::bool AS b, $3::jsonb AS j, $4::int[] AS a, $5::text AS x",
        params: [1, false, { k: "v" }, [1, null], null],
      };
      const [, result] = await neonGateway.post(query, raw);
      expect(result.rows).toEqual([["2", "f", '{"k": "v"}', "{1,NULL}", null]]);
    });
  });

  describe("a batch", () => {
    it("the local Neon gateway answers each query of a batch, and counts one request, two queries, and two queries of the table", async () => {
      const results = await sql.transaction([
        sql`INSERT INTO gateway_things (name) VALUES ('a') RETURNING id`,
        sql`SELECT count(*)::int AS n FROM gateway_things`,
      ]);
      expect(results).toEqual([[{ id: 1 }], [{ n: 1 }]]);
      const { sql: counts } = await neonGateway.gateways.counts();
      expect(counts).toEqual({ requests: 1, queries: 2, tables: { gateway_things: 2 } });
    });

    it("if one query of a batch fails, the local Neon gateway undoes the whole batch", async () => {
      await expect(
        sql.transaction([
          sql`INSERT INTO gateway_things (name) VALUES ('a')`,
          sql`INSERT INTO gateway_things (name) VALUES ('a')`,
        ]),
      ).rejects.toMatchObject({ code: "23505", constraint: "gateway_things_name_key" });
      expect(await sql`SELECT * FROM gateway_things`).toEqual([]);
    });

    it("the local Neon gateway runs a batch at the isolation level that the request headers name, and rejects an unknown level", async () => {
      const settings = await sql.transaction(
        [
          sql`SHOW transaction_isolation`,
          sql`SHOW transaction_read_only`,
          sql`SHOW transaction_deferrable`,
        ],
        { isolationLevel: "Serializable", readOnly: true, deferrable: true },
      );
      expect(settings).toEqual([
        [{ transaction_isolation: "serializable" }],
        [{ transaction_read_only: "on" }],
        [{ transaction_deferrable: "on" }],
      ]);
      expect(await sql`SHOW transaction_isolation`).toEqual([
        { transaction_isolation: "read committed" },
      ]);
      await expect(
        sql.transaction([sql`INSERT INTO gateway_things (name) VALUES ('a')`], { readOnly: true }),
      ).rejects.toMatchObject({ code: "25006" });
      const [status, body] = await neonGateway.post(
        { queries: [] },
        { "neon-batch-isolation-level": "Chaos" },
      );
      expect([status, body.message]).toEqual([400, "invalid Neon-Batch-Isolation-Level"]);
    });

    it("concurrent batches through the local Neon gateway do not read or overwrite each other's uncommitted changes", async () => {
      await sql`INSERT INTO gateway_things (name) VALUES ('counter')`;
      const bump = (): Promise<unknown> =>
        sql.transaction([
          sql`SELECT amount FROM gateway_things WHERE name = 'counter' FOR UPDATE`,
          sql`UPDATE gateway_things SET amount = amount + 1 WHERE name = 'counter'`,
        ]);
      const failing = (): Promise<unknown> =>
        sql
          .transaction([sql`UPDATE gateway_things SET amount = amount + 100`, sql`SELECT 1 / 0`])
          .catch(() => undefined);
      const reading = sql`SELECT amount % 100 AS ok FROM gateway_things`;
      const reads = Array.from(
        { length: 10 },
        () => sql`SELECT amount < 100 AS ok FROM gateway_things`,
      );
      await Promise.all([
        reading,
        ...Array.from({ length: 20 }, bump),
        ...Array.from({ length: 10 }, failing),
        ...reads,
      ]);
      expect(await sql`SELECT amount FROM gateway_things`).toEqual([{ amount: 20 }]);
      for (const rows of await Promise.all(reads)) expect(rows).toEqual([{ ok: true }]);
    });
  });

  describe("drizzle", () => {
    it("drizzle inserts, updates and selects rows through the local Neon gateway", async () => {
      const [made] = await db
        .insert(things)
        .values({ name: "a", extra: { deep: ["x"] } })
        .returning();
      expect(made).toMatchObject({
        id: 1,
        name: "a",
        amount: 0,
        live: true,
        extra: { deep: ["x"] },
      });
      expect(made?.at).toBeInstanceOf(Date);
      await db.update(things).set({ amount: 3 }).where(eq(things.id, 1));
      expect(await db.select({ amount: things.amount }).from(things)).toEqual([{ amount: 3 }]);
    });

    it("a drizzle batch through the local Neon gateway stores nothing if one of its statements fails", async () => {
      const [inserted, counted] = await db.batch([
        db.insert(things).values({ name: "a" }).returning({ id: things.id }),
        db.select({ n: statement<number>`count(*)::int` }).from(things),
      ]);
      expect([inserted, counted]).toEqual([[{ id: 1 }], [{ n: 1 }]]);
      await expect(
        db.batch([
          db.insert(things).values({ name: "b" }),
          db.insert(things).values({ name: "a" }),
        ]),
      ).rejects.toMatchObject({ code: "23505" });
      expect(await db.select({ name: things.name }).from(things)).toEqual([{ name: "a" }]);
    });
  });
});
