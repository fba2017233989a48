/** The keys of cached queries, and the tables whose writes end them. */
import { eq, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { categories, products } from "../../src/api/schema.ts";
import { newCategories, newProduct, testDatabase } from "../writes/database.ts";
import { setup } from "./drizzle-shop.ts";

describe("the results of withCache", () => {
  it("two queries with the same tag and other parameters have results of their own, and one invalidation of the tag ends both", async () => {
    const { here, away, id } = await setup();
    const [other = 0] = await newCategories(testDatabase(), 1);
    await away.write(other, "of the other");
    const read = async (which: number) => {
      const [row] = await here.select(which).$withCache({ tag: "mine" });
      return row?.description;
    };
    expect([await read(id), await read(other)]).toEqual(["", "of the other"]);
    expect(await here.costOf(() => Promise.all([read(id), read(other)]))).toBe(0);
    await here.db.$cache.invalidate({ tags: "mine" });
    expect(await here.costOf(() => Promise.all([read(id), read(other)]))).toBe(2);
  });

  it("a statement that writes in a common table expression runs each time, and ends the results of its table", async () => {
    const { here, id } = await setup({ strategy: "all" });
    await here.select(id);
    const written = here.db.$with("written").as(
      here.db
        .update(categories)
        .set({ description: sql`${categories.description} || '+'` })
        .where(eq(categories.id, id))
        .returning({ description: categories.description }),
    );
    const write = () => here.db.with(written).select().from(written);
    expect(await write()).toEqual([{ description: "+" }]);
    expect(await write()).toEqual([{ description: "++" }]);
    expect(await here.select(id)).toEqual([{ description: "++" }]);
  });

  it("a write ends the result of a union whose second part reads its table", async () => {
    const { here, id } = await setup({ strategy: "all" });
    const productId = await newProduct(testDatabase(), id);
    const read = () =>
      here.db
        .select({ text: products.description })
        .from(products)
        .where(eq(products.id, productId))
        .unionAll(
          here.db
            .select({ text: categories.description })
            .from(categories)
            .where(eq(categories.id, id)),
        );
    await read();
    expect(await here.costOf(read)).toBe(0);
    await here.write(id, "new");
    expect(await read()).toContainEqual({ text: "new" });
  });

  it.each([
    ["a bigint", () => sql`${categories.id} = ${5n}`],
    [
      "a number that JSON does not have",
      () => sql`${categories.id}::float8 <> ${Number.NaN}::float8`,
    ],
  ])("a query with %s as a parameter goes to Postgres", async (_, where) => {
    const { here } = await setup({ strategy: "all" });
    const read = () =>
      here.db.select({ id: categories.id }).from(categories).where(where()).limit(1);
    await read();
    expect(await here.costOf(read)).toBe(1);
  });
});
