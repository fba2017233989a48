/** The operations on products, their views and their recommendations. */
import * as z from "zod/mini";
import { PartialProduct, ProductList, StockChange, WholeProduct } from "../inputs.ts";
import { OF_CACHE_READS } from "./fields.ts";
import { described, type Answer, type Operations } from "./operation.ts";
import { OF_READS, OF_WRITES } from "./problems.ts";
import { pageOf, Product, PRODUCT, rowId, RowId } from "./values.ts";

const tag = "Products";

for (const parameter of Object.values(ProductList.shape))
  described.add(parameter, { type: "integer", minimum: 1 });
described.add(PartialProduct, { minProperties: 1 });
described.add(StockChange, { oneOf: [{ required: ["stock"] }, { required: ["delta"] }] });

const { id: _id, updatedAt: _updatedAt, ...WHOLE } = PRODUCT;
const changed: Answer = {
  description: "The product after the change.",
  body: Product,
  example: PRODUCT,
  fields: ["X-Invalidation", "X-Live-Events"],
};

export const productOperations: Operations = {
  "GET /products": {
    tag,
    summary: "One page of products, of one category or of all",
    description: "Cached for 5 minutes. A write invalidates the lists that show the product.",
    query: ProductList,
    queryNotes: {
      page: { description: "The page, from 1. A page has 20 products." },
      category: { description: "The id of a category." },
    },
    answers: {
      200: {
        description: "The page. It is empty after the last page, and for an unknown category.",
        body: pageOf(Product),
        example: { items: [PRODUCT], page: 1, pageSize: 20, total: 1 },
      },
    },
    problems: OF_READS,
    cached: true,
  },
  "POST /products": {
    tag,
    summary: "Creates a product",
    role: "all",
    idempotent: true,
    body: WholeProduct,
    examples: { chair: WHOLE },
    answers: {
      201: {
        ...changed,
        description: "The new product.",
        fields: ["Location", "X-Invalidation", "X-Live-Events"],
      },
    },
    problems: ["unknown-category", ...OF_WRITES],
  },
  "GET /products/{id}": {
    tag,
    summary: "One product",
    description: "Cached for an hour. Every write of the product invalidates it.",
    path: rowId,
    answers: { 200: { description: "The product.", body: Product, example: PRODUCT } },
    problems: ["not-found", ...OF_READS],
    cached: true,
  },
  "PUT /products/{id}": {
    tag,
    summary: "Replaces all fields of a product",
    role: "all",
    idempotent: true,
    path: rowId,
    body: WholeProduct,
    examples: { chair: WHOLE },
    answers: { 200: changed },
    problems: ["not-found", "unknown-category", ...OF_WRITES],
  },
  "PATCH /products/{id}": {
    tag,
    summary: "Changes the fields that are sent",
    role: "all",
    idempotent: true,
    path: rowId,
    body: PartialProduct,
    examples: { price: { priceCents: 9_900 } },
    answers: { 200: changed },
    problems: ["not-found", "unknown-category", ...OF_WRITES],
  },
  "DELETE /products/{id}": {
    tag,
    summary: "Deletes a product",
    role: "all",
    idempotent: true,
    path: rowId,
    answers: { 204: { description: "Deleted.", fields: ["X-Invalidation", "X-Live-Events"] } },
    problems: ["not-found", ...OF_WRITES],
  },
  "PATCH /products/{id}/stock": {
    tag,
    summary: "Sets the stock, or changes it by a number",
    description: "The stock never becomes less than 0.",
    role: "all",
    idempotent: true,
    path: rowId,
    body: StockChange,
    examples: { sold: { delta: -1 }, counted: { stock: 17 } },
    answers: { 200: changed },
    problems: ["not-found", "stock-conflict", ...OF_WRITES],
  },
  "GET /products/{id}/views": {
    tag,
    summary: "How often the product was viewed",
    description:
      "The count includes views that wait in the queue. Cached for a minute; every view invalidates it.",
    path: rowId,
    answers: {
      200: {
        description: "The count.",
        body: z
          .strictObject({ productId: RowId, views: z.int().check(z.gte(0)) })
          .register(described, { id: "Views" }),
        example: { productId: 42, views: 7 },
      },
    },
    problems: ["not-found", ...OF_READS],
    cached: true,
  },
  "GET /products/{id}/recommendations": {
    tag,
    summary: "Up to 10 other products",
    description:
      "They follow from the product's category and, with an API key, from the categories that its user viewed last; the answer is private then. At the level `degraded` they are the most viewed products of all, and at the level `minimal` or without the database none.",
    path: rowId,
    fields: {
      "X-API-Key": {
        schema: z.string(),
        description: "Identifies the user. Keys are configured in `API_KEYS`.",
      },
    },
    answers: {
      200: {
        description: "The list, and what it follows from.",
        body: z
          .strictObject({
            basis: z.enum(["user", "product", "popular", "none"]),
            items: z.array(Product).check(z.maxLength(10)),
          })
          .register(described, { id: "Recommendations" }),
        example: { basis: "product", items: [{ ...PRODUCT, id: 43 }] },
        fields: OF_CACHE_READS,
      },
    },
    problems: ["not-found"],
  },
  "GET /categories": {
    tag,
    summary: "All categories",
    description: "Cached for a day.",
    answers: {
      200: {
        description: "All of them, as one page.",
        body: pageOf(
          z
            .strictObject({ id: RowId, name: z.string(), description: z.string() })
            .register(described, { id: "Category" }),
        ),
        example: {
          items: [{ id: 3, name: "Chairs", description: "To sit on." }],
          page: 1,
          pageSize: 1,
          total: 1,
        },
      },
    },
    problems: OF_READS,
    cached: true,
  },
};
