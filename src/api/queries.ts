/** The SQL reads of the reference application. Their results are JSON, and responses send them unchanged. */
import { asc, count, desc, eq, inArray, sql, type SQL } from "drizzle-orm";
import type { Database } from "../index.ts";
import { categories, payments, products, productViews, users } from "./schema.ts";

const PAGE_SIZE = 20;

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly priceCents: number;
  readonly categoryId: number;
  readonly stock: number;
  readonly updatedAt: string;
}

export interface Category {
  readonly id: number;
  readonly name: string;
  readonly description: string;
}

/** The public fields of a user. */
export interface User {
  readonly id: number;
  readonly name: string;
  readonly city: string;
  readonly createdAt: string;
}

/** The fields that only the user and the admin may see. No entry that users share contains them. */
export interface PrivateUser {
  readonly email: string;
  readonly age: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly pageSize: number;
  readonly total: number;
}

export function toProduct(row: typeof products.$inferSelect): Product {
  return { ...row, updatedAt: row.updatedAt.toISOString() };
}

export async function findProducts(db: Database, ids: readonly number[]): Promise<Product[]> {
  const rows = await db
    .select()
    .from(products)
    .where(inArray(products.id, [...ids]));
  return rows.map(toProduct);
}

export async function listProductIds(db: Database, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: products.id })
    .from(products)
    .orderBy(asc(products.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** Returns the ids of the most viewed products. Products with as many views are ordered by id. */
export async function listPopularIds(db: Database, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: products.id })
    .from(products)
    .leftJoin(productViews, eq(productViews.productId, products.id))
    .orderBy(desc(sql`coalesce(${productViews.views}, 0)`), products.id)
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** The ids on one page of a list of products, as one query reads them. */
export interface ProductIds {
  readonly ids: readonly number[];
  /** The total of the list. Undefined on a page after the last one, which has no row that carries it. */
  readonly total: number | undefined;
}

/** Reads the ids on one page of products, ordered by id: those of one category, or those of all categories. */
export async function listPageIds(
  db: Database,
  page: number,
  category: number | undefined,
): Promise<ProductIds> {
  const rows = await db
    .select({ id: products.id, total: sql<number>`count(*) over ()`.mapWith(Number) })
    .from(products)
    .where(inCategory(category))
    .orderBy(asc(products.id))
    .limit(PAGE_SIZE)
    .offset((page - 1) * PAGE_SIZE);
  const total = rows[0]?.total ?? (page === 1 ? 0 : undefined);
  return { ids: rows.map(({ id }) => id), total };
}

/** Counts the products of one category, or those of all categories. */
export async function countProducts(db: Database, category: number | undefined): Promise<number> {
  const rows = await db.select({ total: count() }).from(products).where(inCategory(category));
  return rows[0]?.total ?? 0;
}

function inCategory(category: number | undefined) {
  return category === undefined ? undefined : eq(products.categoryId, category);
}

/** Makes one page of a list from its products and its total. */
export function pageOf(page: number, items: readonly Product[], total: number): Page<Product> {
  return { items, page, pageSize: PAGE_SIZE, total };
}

/** Tells whether a page lies after the last page of a list. The first page never does. */
export function isBeyondEnd(page: number, total: number): boolean {
  return page > 1 && (page - 1) * PAGE_SIZE >= total;
}

/** Makes the only page of a short list. */
export function onlyPageOf<T>(items: readonly T[]): Page<T> {
  return { items, page: 1, pageSize: items.length, total: items.length };
}

/** Reads all categories as one page, because there are few of them and menus show all. */
export async function listCategories(db: Database): Promise<Page<Category>> {
  return onlyPageOf(await db.select().from(categories).orderBy(asc(categories.id)));
}

export async function listCategoryIds(db: Database, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: categories.id })
    .from(categories)
    .orderBy(asc(categories.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

export async function findUsers(db: Database, ids: readonly number[]): Promise<User[]> {
  const rows = await db
    .select({ id: users.id, name: users.name, city: users.city, createdAt: users.createdAt })
    .from(users)
    .where(inArray(users.id, [...ids]));
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
}

export async function listUserIds(db: Database, limit: number): Promise<number[]> {
  const rows = await db.select({ id: users.id }).from(users).orderBy(asc(users.id)).limit(limit);
  return rows.map(({ id }) => id);
}

/** Returns the ids of the users who log in most. Users with as many logins are ordered by id. */
export async function listFrequentUserIds(db: Database, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .orderBy(desc(users.loginCount), asc(users.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

export async function findPrivateUsers(
  db: Database,
  ids: readonly number[],
): Promise<Map<number, PrivateUser>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ id: users.id, email: users.email, age: users.age })
    .from(users)
    .where(inArray(users.id, [...ids]));
  return new Map(rows.map(({ id, ...hidden }) => [id, hidden]));
}

/** Returns the views of a product in Postgres plus those that `waiting` counts, at one instant. */
export async function countViews(
  db: Database,
  productId: number,
  waiting: SQL<number>,
): Promise<number> {
  const { rows } = await db.execute<{ views: string }>(sql`
    select coalesce((select ${productViews.views} from ${productViews}
      where ${productViews.productId} = ${productId}), 0) + ${waiting} as views`);
  return Number(rows[0]?.views ?? 0);
}

export interface Payment {
  readonly orderId: number;
  readonly status: "charged";
  readonly amountCents: number;
  readonly chargedAt: string;
}

export async function findPayment(db: Database, orderId: number): Promise<Payment | undefined> {
  const rows = await db.select().from(payments).where(eq(payments.orderId, orderId));
  return rows.map(({ amountCents, chargedAt }): Payment => ({
    orderId,
    status: "charged",
    amountCents,
    chargedAt: chargedAt.toISOString(),
  }))[0];
}
