import { env } from "cloudflare:workers";
import { neon, neonConfig } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { users } from "../../src/api/schema.ts";
import { OriginFault } from "../../src/origin/fault.ts";
import { createDatabase, type SqlRequest } from "../../src/origin/neon.ts";
import { clearFaults, putFault } from "../writes/faults.ts";

const SECRET = "correct-horse-battery-staple";

function open(options: { timeoutMs?: number; neonEndpoint?: string } = {}) {
  const requests: SqlRequest[] = [];
  const db = createDatabase({
    databaseUrl: `postgres://strata:${SECRET}@db.invalid/strata`,
    neonEndpoint: env.NEON_ENDPOINT,
    timeoutMs: 2_000,
    now: () => Date.now(),
    onQuery: (request) => requests.push(request),
    ...options,
  });
  return { db, requests };
}

async function faultOf(work: Promise<unknown>): Promise<OriginFault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OriginFault)) throw new Error(`not an OriginFault: ${String(error)}`);
  const everything = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
  expect(everything).not.toContain(SECRET);
  return error;
}

afterEach(clearFaults);

describe("the database client", () => {
  it("the database client reads rows by single queries and by a batch, and calls the callback `onQuery` for each request", async () => {
    const { db, requests } = open();
    const rows = await db.select({ id: users.id }).from(users).orderBy(users.id).limit(2);
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
    const [one, other] = await db.batch([
      db.execute<{ n: number }>(sql`select 1::int as n`),
      db.select({ id: users.id }).from(users).orderBy(users.id).limit(1),
    ]);
    expect([one.rows, other]).toEqual([[{ n: 1 }], [{ id: 1 }]]);
    expect(await db.$count(users)).toBe(5_000);
    expect(requests.map(({ queries, outcome }) => [queries, outcome])).toEqual([
      [1, "ok"],
      [2, "ok"],
      [1, "ok"],
    ]);
  });

  it("a client of the Neon driver that the application makes answers its queries after the first query of the database client", async () => {
    neonConfig.fetchEndpoint = env.NEON_ENDPOINT ?? "";
    const own = neon(`postgres://strata:${SECRET}@db.invalid/strata`);
    await open().db.execute(sql`select 1`);
    expect(await own`select 2::int as n`).toEqual([{ n: 2 }]);
  });

  it("a client of the Neon driver keeps the `fetchFunction` that the application has set before the first query of the database client", async () => {
    const urls: string[] = [];
    const transport = neonConfig.fetchFunction as unknown;
    neonConfig.fetchFunction = (url: string, init: RequestInit) => {
      urls.push(url);
      return fetch(url, init);
    };
    try {
      neonConfig.fetchEndpoint = env.NEON_ENDPOINT ?? "";
      const own = neon(`postgres://strata:${SECRET}@db.invalid/strata`);
      await open().db.execute(sql`select 1`);
      expect(urls).toEqual([]);
      expect(await own`select 2::int as n`).toEqual([{ n: 2 }]);
      expect(urls).toEqual([env.NEON_ENDPOINT]);
    } finally {
      neonConfig.fetchFunction = transport;
    }
  });

  it.each(["before", "after"])(
    "a query to a database that hangs %s it executes the query fails with the error code `origin.timeout` at the deadline",
    async (hang) => {
      await putFault("sql", { hang });
      const { db, requests } = open({ timeoutMs: 200 });
      const startedAt = Date.now();
      const { fault } = await faultOf(db.execute(sql`select 1`));
      expect(fault.code).toBe("origin.timeout");
      expect(Date.now() - startedAt).toBeLessThan(1_500);
      expect(requests.map(({ outcome }) => outcome)).toEqual(["origin.timeout"]);
    },
  );

  it("a query fails at the time limit of its own database client, and not at the limit of another client", async () => {
    await putFault("sql", { latencyMs: 400 });
    const [hasty, patient] = [open({ timeoutMs: 100 }), open()];
    const [late, answered] = await Promise.all([
      faultOf(hasty.db.execute(sql`select 1`)),
      patient.db.execute(sql`select 1`),
    ]);
    expect(late.fault.code).toBe("origin.timeout");
    expect(answered.rows).toHaveLength(1);
  });

  it.each([
    { reset: true },
    { truncate: true },
    { errorRate: 1, status: 500 },
    { errorRate: 1, status: 429 },
  ])(
    "a database query fails with the error code `origin.unavailable` for the injected fault %j",
    async (fault) => {
      await putFault("sql", fault);
      const { db } = open();
      expect((await faultOf(db.execute(sql`select 1`))).fault.code).toBe("origin.unavailable");
      expect((await faultOf(db.batch([db.execute(sql`select 1`)]))).fault.code).toBe(
        "origin.unavailable",
      );
    },
  );

  it("a database query fails with the error code `origin.unavailable` if the database refuses connections", async () => {
    const { db } = open({ neonEndpoint: "http://127.0.0.1:9/sql" });
    expect((await faultOf(db.execute(sql`select 1`))).fault.code).toBe("origin.unavailable");
  });

  it("the database client executes a query after an earlier query has failed", async () => {
    const { db } = open();
    await putFault("sql", { errorRate: 1 });
    await faultOf(db.execute(sql`select 1`));
    await clearFaults();
    expect((await db.execute(sql`select 1 as n`)).rows).toHaveLength(1);
  });

  it("the error of a statement that Postgres rejects has the SQLSTATE and the constraint, and no values of the statement", async () => {
    const { db } = open();
    const [email = ""] = (await db.select({ email: users.email }).from(users).limit(1)).map(
      (row) => row.email,
    );
    const taken = db.insert(users).values({ name: "N", city: "C", email, age: 1 });
    const error = await faultOf(taken);
    expect(error.fault).toEqual({
      code: "origin.rejected",
      message: "SQLSTATE 23505 (users_email_unique)",
    });
    expect(error).toMatchObject({ sqlState: "23505", constraint: "users_email_unique" });
    expect(`${error.message} ${error.stack}`).not.toContain(email);
    const wrongType = await faultOf(db.execute(sql`select ${"private words"}::int`));
    expect(wrongType.message).not.toContain("private words");
  });

  it("the error of a statement with an unknown table has the message of Postgres", async () => {
    const { db } = open();
    const { fault } = await faultOf(db.execute(sql`select nothing from nowhere`));
    expect(fault.message).toContain('"nowhere"');
  });

  it("a query fails with the error code `origin.unavailable`, not `origin.rejected`, if the database is shutting down or has no free connection", async () => {
    const { db } = open();
    for (const state of ["57P01", "53300", "08006"]) {
      const raised = db.execute(
        sql.raw(`do $$ begin raise exception 'x' using errcode = '${state}'; end $$`),
      );
      expect((await faultOf(raised)).fault.code).toBe("origin.unavailable");
    }
  });

  it("the error of a deadlock or a serialization failure has the field `retryAfterMs`", async () => {
    const { db } = open();
    for (const state of ["40001", "40P01"]) {
      const raised = db.execute(
        sql.raw(`do $$ begin raise exception 'x' using errcode = '${state}'; end $$`),
      );
      expect((await faultOf(raised)).fault).toMatchObject({
        code: "origin.rejected",
        retryAfterMs: 1_000,
      });
    }
  });
});
