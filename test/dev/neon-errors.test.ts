import { neon, NeonDbError } from "@neondatabase/serverless";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DATABASE, openNeon } from "./support/neon.ts";
import type { TestNeon } from "./support/neon.ts";
import { availableSqlEngines } from "./support/postgres.ts";

const raw = { "neon-raw-text-output": "true", "neon-array-mode": "true" };

describe.each(availableSqlEngines())("errors of the Neon gateway over $name", (choice) => {
  let neonGateway: TestNeon;
  const sql = neon(DATABASE);

  beforeAll(async () => {
    neonGateway = await openNeon(choice);
  });
  afterAll(() => neonGateway.close());
  beforeEach(() => neonGateway.reset());

  describe("error responses", () => {
    it("a Postgres error reaches the Neon driver with its code, detail, table and constraint", async () => {
      await sql`INSERT INTO gateway_things (name) VALUES ('a')`;
      const error: unknown = await sql`INSERT INTO gateway_things (name) VALUES ('a')`.catch(
        (problem: unknown) => problem,
      );
      expect(error).toBeInstanceOf(NeonDbError);
      expect(error).toMatchObject({
        message: 'duplicate key value violates unique constraint "gateway_things_name_key"',
        code: "23505",
        detail: "Key (name)=(a) already exists.",
        severity: "ERROR",
        schema: "public",
        table: "gateway_things",
        constraint: "gateway_things_name_key",
      });
    });

    it("the local Neon gateway answers a Postgres error with 400 and the position of the error in the query", async () => {
      const [status, body] = await neonGateway.post(
        { query: "SELECT nope FROM gateway_things" },
        raw,
      );
      expect(status).toBe(400);
      expect(body).toMatchObject({
        message: 'column "nope" does not exist',
        code: "42703",
        position: "8",
      });
    });

    it.each([
      ["invalid JSON", "{", "invalid JSON"],
      ["a body that is no object", "[]", "query must be a string"],
      ["no query", "{}", "query must be a string"],
      ["params that are no array", { query: "SELECT 1", params: {} }, "params must be an array"],
      ["queries that are no array", { queries: {} }, "queries must be an array"],
      ["a batch element that is no query", { queries: [{ query: "SELECT 1" }, 5] }, "queries[1]"],
      ["a zero byte", { query: "SELECT 1\0; DROP TABLE gateway_things" }, "zero byte"],
      ["several statements", { query: "SELECT 1; SELECT 2" }, "cannot insert multiple commands"],
    ])(
      "a request to the local Neon gateway with %s gets 400 and a text that names the error",
      async (_name, body, message) => {
        const [status, answer] = await neonGateway.post(body);
        expect(status).toBe(400);
        expect(answer.message).toContain(message);
      },
    );

    it("the local Neon gateway executes a query after a query that failed", async () => {
      const broken = [
        "SELECT 1 / 0",
        "SELECT $2::int",
        "SELEC",
        "",
        "BEGIN",
        "SELECT '\ud800'",
        "SELECT $1::int",
      ];
      for (const query of broken) {
        await neonGateway.post({ query, params: query.includes("$1") ? ["\udc00x"] : [] }, raw);
        expect(await sql`SELECT 1 AS fine`).toEqual([{ fine: 1 }]);
      }
    });

    it("a request body over 10 MB to the local Neon gateway gets 413", async () => {
      const [status, body] = await neonGateway.post({
        query: "SELECT $1",
        params: ["x".repeat(10 * 1024 * 1024)],
      });
      expect(status).toBe(413);
      expect(body.message).toContain("larger than");
    });
  });

  it("a BEGIN that reaches the local Neon gateway as a single query opens no transaction for later queries", async () => {
    await sql`BEGIN`;
    await sql`INSERT INTO gateway_things (name) VALUES ('a')`;
    await sql`ROLLBACK`;
    expect(await sql`SELECT name FROM gateway_things`).toEqual([{ name: "a" }]);
  });

  it("the counters of the local Neon gateway include failed queries", async () => {
    await sql`SELECT 1`;
    await sql`SELECT 1 / 0`.catch(() => undefined);
    expect((await neonGateway.gateways.counts()).sql).toMatchObject({ requests: 2, queries: 2 });
  });
});
