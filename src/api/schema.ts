/** The tables of the reference application. */
import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from "drizzle-orm/pg-core";

/**
 * A column for an instant. Its precision is 1 ms, as in a JavaScript date, so that a date is read
 * back unchanged.
 */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const categories = pgTable("categories", {
  id: integer("id").primaryKey().generatedByDefaultAsIdentity(),
  name: text("name").notNull().unique(),
  description: text("description").notNull(),
});

export const products = pgTable(
  "products",
  {
    id: integer("id").primaryKey().generatedByDefaultAsIdentity(),
    name: text("name").notNull(),
    description: text("description").notNull(),
    priceCents: integer("price_cents").notNull(),
    categoryId: integer("category_id")
      .notNull()
      .references(() => categories.id),
    stock: integer("stock").notNull(),
    updatedAt: instant("updated_at").notNull().defaultNow(),
  },
  (table) => [
    // This index serves the lists of one category, which are ordered by id. It also serves the foreign key.
    index("products_category_id_id_index").on(table.categoryId, table.id),
    check("products_price_cents_check", sql`${table.priceCents} >= 0`),
    check("products_stock_check", sql`${table.stock} >= 0`),
  ],
);

export const users = pgTable(
  "users",
  {
    id: integer("id").primaryKey().generatedByDefaultAsIdentity(),
    name: text("name").notNull(),
    city: text("city").notNull(),
    email: text("email").notNull().unique(),
    age: integer("age").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
    /** How often the user has logged in. The consumer of the queue writes it and the next column. */
    loginCount: integer("login_count").notNull().default(0),
    lastLoginAt: instant("last_login_at"),
  },
  (table) => [
    // This index lists the users who log in most, for the warm-up. A query in descending order begins with nulls.
    index("users_login_count_index").on(table.loginCount.desc().nullsFirst(), table.id),
  ],
);

/** The settings of the shop: one row, which the migration inserts. */
export const shopSettings = pgTable(
  "shop_settings",
  {
    id: integer("id").primaryKey().default(1),
    shopName: text("shop_name").notNull().default("Strata"),
    /** A code of ISO 4217. */
    currency: text("currency").notNull().default("EUR"),
    /** Orders of at least this value are sent free of charge. */
    freeShippingCents: integer("free_shipping_cents").notNull().default(5_000),
    /** The text at the top of every page. Empty if there is none. */
    announcement: text("announcement").notNull().default(""),
    updatedAt: instant("updated_at").notNull().defaultNow(),
  },
  (table) => [
    check("shop_settings_one_row_check", sql`${table.id} = 1`),
    check("shop_settings_free_shipping_cents_check", sql`${table.freeShippingCents} >= 0`),
  ],
);

/** How often each product was viewed. The consumer of the queue writes it. */
export const productViews = pgTable("product_views", {
  productId: integer("product_id").primaryKey(),
  views: bigint("views", { mode: "number" }).notNull(),
});

/**
 * When a user last viewed a product of a category. The consumer of the queue writes it. It holds
 * categories and not products, so that a user has at most as many rows as there are categories.
 */
export const viewedCategories = pgTable(
  "viewed_categories",
  {
    userId: text("user_id").notNull(),
    categoryId: integer("category_id").notNull(),
    viewedAt: instant("viewed_at").notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.categoryId] })],
);

/** The payments, one for each order. The consumer of the queue writes it. */
export const payments = pgTable(
  "payments",
  {
    orderId: integer("order_id").primaryKey(),
    amountCents: integer("amount_cents").notNull(),
    /** The id of the message that charged the order. */
    chargedBy: text("charged_by").notNull(),
    chargedAt: instant("charged_at").notNull().defaultNow(),
  },
  (table) => [check("payments_amount_cents_check", sql`${table.amountCents} > 0`)],
);
