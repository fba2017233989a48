import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { testDatabase } from "../writes/database.ts";

const db = testDatabase();

interface Facts extends Record<string, unknown> {
  readonly howMany: number;
  readonly last: number;
  readonly digest: string;
}

/** Number, last id and digest of the seeded rows. Rows of tests have higher ids. */
async function factsOf(table: string, columns: string, seeded: number): Promise<Facts | undefined> {
  const { rows } = await db.execute<Facts>(sql`
    select count(*)::int as "howMany", max(id) as last,
           md5(string_agg(concat_ws('|', ${sql.raw(columns)}), ',' order by id)) as digest
    from ${sql.identifier(table)} where id <= ${seeded}`);
  return rows[0];
}

describe("the seed", () => {
  it.each([
    ["categories", "id, name, description", 40, "1c977f4fa9379662db668d6536cdd500"],
    [
      "products",
      "id, name, description, price_cents, category_id",
      2_000,
      "f50d621ecdf024b78afcce22e3efde90",
    ],
    ["users", "id, name, city, email, age", 5_000, "f8d95b37a108359a12c3720789e34229"],
  ])(
    "the seed script of the database always creates the same %s, with contiguous ids",
    async (table, columns, last, digest) => {
      expect(await factsOf(table, columns, last)).toEqual({ howMany: last, last, digest });
    },
  );

  it("all 2,000 seeded products have unique names, and together they use all 40 categories", async () => {
    const { rows } = await db.execute<{ names: number; categories: number }>(sql`
      select count(distinct name)::int as names, count(distinct category_id)::int as categories
      from products where id <= 2000`);
    expect(rows).toEqual([{ names: 2_000, categories: 40 }]);
  });

  it("a user that is inserted after the seed gets an id above the seeded ids", async () => {
    const { rows } = await db.execute<{ id: number }>(sql`
      insert into users (name, city, email, age)
      values ('New', 'Here', gen_random_uuid()::text, 30) returning id`);
    expect(rows[0]?.id).toBeGreaterThan(5_000);
    expect(rows[0]?.id).toBeLessThan(5_100);
    await db.execute(sql`delete from users where id = ${rows[0]?.id}`);
  });
});
