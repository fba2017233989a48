import { sql } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { seed as fill } from "drizzle-seed";
import { categories, products, users } from "../src/api/schema.ts";
import { CATEGORIES, CITIES, DESCRIPTIONS, LINES } from "./vocabulary.ts";

const PRODUCTS = 2_000;
const USERS = 5_000;
/** The same number gives the same rows with the same ids. Another number gives another shop. */
const SEED = 20_261_102;

const FIRST_DAY = "2023-01-01";
const LAST_DAY = "2026-10-31";

/**
 * Fills empty tables with a shop of 40 categories, 2,000 products and 5,000 users, the same rows
 * every time. Ids are contiguous from 1, and the next insert gets the next id.
 *
 * @example await seed(drizzle(new PGlite()));
 */
export async function seed(db: PgDatabase<PgQueryResultHKT>): Promise<void> {
  await db
    .insert(categories)
    .values(CATEGORIES.map(([name, description], at) => ({ id: at + 1, name, description })));

  await fill(db, { products, users }, { seed: SEED }).refine((make) => ({
    products: {
      count: PRODUCTS,
      columns: {
        name: make.valuesFromArray({ values: [...LINES], isUnique: true }),
        description: make.valuesFromArray({ values: [...DESCRIPTIONS] }),
        priceCents: make.weightedRandom([
          { weight: 0.6, value: make.valuesFromArray({ values: pricesUpTo(80) }) },
          { weight: 0.3, value: make.valuesFromArray({ values: pricesUpTo(400) }) },
          { weight: 0.1, value: make.valuesFromArray({ values: pricesUpTo(1_800) }) },
        ]),
        categoryId: make.int({ minValue: 1, maxValue: CATEGORIES.length }),
        stock: make.weightedRandom([
          { weight: 0.06, value: make.default({ defaultValue: 0 }) },
          { weight: 0.94, value: make.int({ minValue: 1, maxValue: 250 }) },
        ]),
        updatedAt: make.date({ minDate: FIRST_DAY, maxDate: LAST_DAY }),
      },
    },
    users: {
      count: USERS,
      columns: {
        name: make.fullName(),
        city: make.valuesFromArray({ values: [...CITIES] }),
        email: make.email(),
        age: make.int({ minValue: 18, maxValue: 90 }),
        createdAt: make.date({ minDate: FIRST_DAY, maxDate: LAST_DAY }),
        loginCount: make.default({ defaultValue: 0 }),
        lastLoginAt: make.default({ defaultValue: null }),
      },
    },
  }));

  // A generator cannot read other columns, so the product's noun is set from its category here.
  const nouns = sql.join(
    CATEGORIES.map(([, , noun], at) => sql`(${at + 1}::integer, ${noun}::text)`),
    sql`, `,
  );
  await db.execute(sql`
    update ${products} set name = ${products.name} || ' ' || nouns.noun
    from (values ${nouns}) as nouns (category_id, noun)
    where nouns.category_id = ${products.categoryId}`);

  // The generator uses domains that exist. The rows must not name mailboxes there.
  await db.execute(sql`
    update ${users}
    set email = split_part(${users.email}, '@', 1) || '.' || ${users.id} || '@example.com'`);

  // A few users log in often. The factor is prime to the number of users, so that each has another place.
  await db.execute(sql`
    update ${users} set login_count = 400 / (1 + ${users.id} * 7919 % ${USERS}::integer)`);
  await db.execute(sql`
    update ${users}
    set last_login_at = ${LAST_DAY}::timestamptz - (${users.id} % 90) * interval '1 day'
    where ${users.loginCount} > 0`);

  for (const table of ["categories", "products", "users"])
    await db.execute(sql`
      select setval(pg_get_serial_sequence(${table}, 'id'),
                    (select max(id) from ${sql.identifier(table)}))`);
}

/** Returns prices in cents as shops set them: 4.99, 14.50, 29.00. */
function pricesUpTo(units: number): number[] {
  return Array.from({ length: units - 2 }, (_, at) => {
    const price = (at + 3) * 100;
    return at % 3 === 0 ? price : at % 3 === 1 ? price - 1 : price - 50;
  });
}
